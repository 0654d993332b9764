"""What all tests need of the process that they run in."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A job in the background of a script inherits that interrupts are ignored, and hands it on to
    # the programs whose answer to Ctrl-C is tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)
