"""Command-line switches of Chromium."""

from pathlib import Path

# For root in a container without a network.
_ALWAYS = ["--no-sandbox", "--no-first-run", "--disable-background-networking"]
# Features of Chromium 156 that cost 1 CPU s per window: two pages for the address bar's results and
# a spare process. The others are Playwright's own list, which this list replaces.
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
    """Return the switch that disables these features and those of _UNWANTED."""
    return f"--disable-features={','.join([*_UNWANTED, *features])}"


PAGE = [
    *_ALWAYS,
    "--disable-gpu",
    "--disable-quic",
    "--disable-component-update",
    "--disable-sync",
    without(),
]


def new_tab(*, theme: Path | None, scale: float, window: tuple[int, int]) -> list[str]:
    """Return switches for a New Tab page, perhaps with an unpacked theme.

    `scale` is in device px per CSS px, `window` in px.
    """
    return [
        *_ALWAYS,
        "--headless=new",
        *([f"--load-extension={theme}"] if theme else []),
        without("DisableLoadExtensionCommandLineSwitch"),
        f"--force-device-scale-factor={scale}",
        f"--window-size={window[0]},{window[1]}",
    ]
