"""Networks side by side: trained, converted, and measured alike."""
