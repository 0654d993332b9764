"""digitcam."""
