"""Checks of the board: power, temperature and memory."""

from __future__ import annotations

import re

from ..settings import Settings
from .finding import Finding, failure, ok, warning
from .machine import Machine, text_of

THROTTLED = {
    0: "under-voltage",
    1: "a capped frequency",
    2: "throttling",
    3: "the soft temperature limit",
}
"""Bits of ``vcgencmd get_throttled`` that hold now; 16 higher, since the start.
https://www.raspberrypi.com/documentation/computers/os.html#get_throttled"""
PAST = 16
UNDER_VOLTAGE = 1
"""The bit of under-voltage, which also harms the card."""
SUPPLY = "use the supply made for this Pi, with a short thick cable and nothing else on its USB"
COOLING = "cool it: a heat sink, a fan, or air around the case"

HOT_C, TOO_HOT_C = 80.0, 85.0
"""The Arm cores are slowed down from the first on, the GPU too from the second.
https://www.raspberrypi.com/documentation/computers/raspberry-pi.html#frequency-management-and-thermal-control"""

LOW_MB, TOO_LOW_MB = 150, 75
"""What the service may come to take, and what a reader of one picture takes on x86-64:
``/usr/bin/time -v edge-predict docs/sample.png``. MB are 10**6 bytes."""
LOW_CMA_MB = 64
"""Just below the smallest default, 64 MiB of a Zero and a Pi 5."""


def check_power(machine: Machine) -> Finding:
    """Ask the firmware for under-voltage and throttling, now and since the start.

    By vcgencmd, or by the kernel's under-voltage alarm. The file ``get_throttled`` in /sys wrote
    a backtrace to the kernel's log and is gone: https://github.com/raspberrypi/linux/pull/6697.
    """
    if not machine.is_raspberry_pi():
        return ok("power", "not a Raspberry Pi, which alone would tell")
    ran = machine.run("vcgencmd", "get_throttled")
    found = re.fullmatch(r"throttled=0x([0-9a-fA-F]{1,8})\s*", ran.out if ran else "")
    if found:
        return throttled_finding(int(found[1], 16))
    alarm = _alarm(machine)
    if alarm is None:
        how = f"vcgencmd ended by {ran.ending()}" if ran else "vcgencmd is not installed"
        return warning(
            "power",
            f"cannot tell: {how}",
            "sudo apt install raspi-utils, and ask again as root: sudo edge-doctor",
        )
    return throttled_finding(UNDER_VOLTAGE * alarm)


def throttled_finding(bits: int) -> Finding:
    """Decode the bits that ``vcgencmd get_throttled`` prints."""
    now = [text for bit, text in THROTTLED.items() if bits >> bit & 1]
    past = [text for bit, text in THROTTLED.items() if bits >> bit + PAST & 1]
    if not now and not past:
        return ok("power", "no under-voltage, no throttling since the start")
    told = f"now {', '.join(now)}" if now else f"since the start {', '.join(past)}"
    weak = bits & (UNDER_VOLTAGE | UNDER_VOLTAGE << PAST)
    judge = failure if bits & UNDER_VOLTAGE else warning
    return judge("power", f"{told} ({bits:#x})", SUPPLY if weak else COOLING)


def _alarm(machine: Machine) -> bool | None:
    """Return the under-voltage alarm of the kernel's raspberrypi-hwmon; None where it is not."""
    for name in machine.glob("/sys/class/hwmon/*/name"):
        if text_of(name) == "rpi_volt":
            return text_of(name.with_name("in0_lcrit_alarm")) == "1"
    return None


def check_temperature(machine: Machine) -> Finding:
    """Look for the hottest of the kernel's thermal zones."""
    texts = map(text_of, machine.glob("/sys/class/thermal/thermal_zone*/temp"))
    millidegrees = [int(text) for text in texts if text and re.fullmatch(r"-?\d+", text)]
    if not millidegrees:
        return ok("temperature", "no sensor to ask")
    hottest = max(millidegrees) / 1000
    if hottest < HOT_C:
        return ok("temperature", f"{hottest:.0f} C")
    judge = failure if hottest >= TOO_HOT_C else warning
    limit = TOO_HOT_C if hottest >= TOO_HOT_C else HOT_C
    found = f"{hottest:.0f} C, a Raspberry Pi slows down from {limit:.0f} C"
    return judge("temperature", found, COOLING)


def check_memory(settings: Settings | None, machine: Machine) -> Finding:
    """Look at the free memory, and at the contiguous part of it that camera frames come from."""
    sizes = _sizes_mb(machine.text("/proc/meminfo") or "")
    if "MemAvailable" not in sizes:
        return warning("memory", "/proc/meminfo tells nothing", "mount /proc")
    free = sizes["MemAvailable"]
    found = f"{free} MB available"
    if free < LOW_MB:
        judge = failure if free < TOO_LOW_MB else warning
        remedy = "end other programs or the desktop, or reduce gpu_mem or CMA in config.txt"
        return judge("memory", f"{found}, expected at least {LOW_MB} MB", remedy)
    picamera2 = settings is not None and settings.camera.source.startswith("picamera2")
    if picamera2 and machine.is_raspberry_pi():
        return _contiguous(found, sizes)
    return ok("memory", found)


def _contiguous(found: str, sizes: dict[str, int]) -> Finding:
    """Judge the whole, not what is free: the page cache borrows from it and gives back.

    A Pi 5 gets by without: https://github.com/raspberrypi/linux/pull/6361.
    """
    total = sizes.get("CmaTotal", 0)
    found += f", {total} MB contiguous (CMA), {sizes.get('CmaFree', 0)} MB of it unused"
    if total >= LOW_CMA_MB:
        return ok("memory", found)
    remedy = "set dtoverlay=vc4-kms-v3d,cma-128 in /boot/firmware/config.txt and start anew"
    return warning("memory", f"{found}; picamera2 expects at least {LOW_CMA_MB} MB", remedy)


def _sizes_mb(text: str) -> dict[str, int]:
    """Return the sizes of /proc/meminfo, whose kB are 1024 bytes, in MB of 10**6."""
    lines = re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)
    return {name: int(size) * 1024 // 10**6 for name, size in lines}
