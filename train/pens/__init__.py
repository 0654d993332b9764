"""Strokes to ink with any pen: planes of coverage, uint8 (h, w), 0 bare to 255 full ink."""
