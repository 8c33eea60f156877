"""The command-line switches that Chromium is started with."""

from pathlib import Path

# As root in a container, off the network.
_ALWAYS = ["--no-sandbox", "--no-first-run", "--disable-background-networking"]
# What a window of Chromium 156 has for people, at 1 CPU s a window: two pages for the address bar's
# results and a process in waiting. The others are Playwright's own list, which ours replaces.
_UNWANTED = [
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "SpareRendererForSitePerProcess",
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
]


def without(*features: str) -> str:
    """The switch that takes these features away, and those that no test wants."""
    return f"--disable-features={','.join([*_UNWANTED, *features])}"


PAGE = [
    *_ALWAYS,
    "--disable-gpu",
    "--disable-quic",
    "--disable-component-update",
    "--disable-sync",
    without(),
]


def new_tab(*, theme: Path, scale: float, window: tuple[int, int]) -> list[str]:
    """For a New Tab page with that theme's folder loaded; scale: device px a CSS px."""
    return [
        *_ALWAYS,
        "--headless=new",
        f"--load-extension={theme}",
        without("DisableLoadExtensionCommandLineSwitch"),
        f"--force-device-scale-factor={scale}",
        f"--window-size={window[0]},{window[1]}",
    ]
