"""What all tests need of the process that they run in."""

import signal

from hypothesis import HealthCheck, settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A job in the background of a script inherits that interrupts are ignored, and hands it on to
    # the programs whose answer to Ctrl-C is tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long examples take says how busy the machine is, and nothing of what is tested.
settings.register_profile("any-load", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-load")
