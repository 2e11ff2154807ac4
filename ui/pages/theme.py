"""Colours and type.

Belongs here: Gradio's theme. Not here: the rules for our own markup (``static/app.css``).
"""

from __future__ import annotations

import gradio
from gradio.themes.utils import colors, sizes

SYSTEM_FONTS = ("-apple-system", "BlinkMacSystemFont", "Segoe UI", "Roboto", "Noto Sans", "Liberation Sans", "Arial", "sans-serif")
MONOSPACE_FONTS = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Liberation Mono", "monospace")

_TEAL = colors.Color(
    "#eef6f5", "#d7ebe9", "#b0d7d4", "#83bfbb", "#54a19d", "#2f837f", "#1f6a67", "#1b5654", "#194645", "#173b3a", "#0a2322"
)
_PAPER = colors.Color(
    "#fbfaf8", "#f4f2ee", "#e6e3dd", "#d2cec6", "#a6a199", "#6f6a62", "#5c5851", "#46423c", "#2d2a26", "#201e1b", "#171613"
)
_VARIABLES = {
    "body_background_fill": "*neutral_50",
    "body_background_fill_dark": "*neutral_950",
    "body_text_color": "*neutral_900",
    "body_text_color_dark": "*neutral_200",
    "background_fill_primary": "#ffffff",
    "background_fill_primary_dark": "*neutral_900",
    "background_fill_secondary": "*neutral_50",
    "background_fill_secondary_dark": "*neutral_900",
    "block_background_fill": "#ffffff",
    "block_background_fill_dark": "*neutral_900",
    "block_border_width": "0px",
    "block_shadow": "none",
    "block_label_background_fill": "transparent",
    "border_color_primary": "*neutral_200",
    "border_color_primary_dark": "*neutral_800",
    "input_background_fill": "#ffffff",
    "input_background_fill_dark": "*neutral_900",
    "input_border_color": "*neutral_300",
    "input_border_color_dark": "*neutral_700",
    "input_border_width": "1px",
    "input_placeholder_color": "*neutral_500",
    "input_placeholder_color_dark": "*neutral_400",
    "input_shadow": "none",
    "input_shadow_focus": "none",
    "button_primary_background_fill": "*primary_600",
    "button_primary_background_fill_hover": "*primary_700",
    "button_primary_background_fill_dark": "*primary_600",
    "button_primary_text_color": "#ffffff",
    "button_secondary_background_fill": "transparent",
    "button_secondary_background_fill_dark": "transparent",
    "button_secondary_background_fill_hover": "*neutral_100",
    "button_secondary_background_fill_hover_dark": "*neutral_800",
    "button_secondary_border_color": "*neutral_300",
    "button_secondary_border_color_dark": "*neutral_700",
    "button_border_width": "1px",
}
"""By the names that Gradio gives the variables of a theme; ``*neutral_50`` is a step of a colour above."""


def theme() -> gradio.themes.Base:
    """Quiet paper and one dark teal; no shadows, no web fonts."""
    base = gradio.themes.Base(
        primary_hue=_TEAL,
        secondary_hue=_TEAL,
        neutral_hue=_PAPER,
        font=[gradio.themes.Font(name) for name in SYSTEM_FONTS],
        font_mono=[gradio.themes.Font(name) for name in MONOSPACE_FONTS],
        text_size=sizes.text_md,
        radius_size=sizes.radius_md,
    )
    return base.set(**_VARIABLES)
