"""What the reader is measured on: pictures by source, from a seed, with what they say."""
