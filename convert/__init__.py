"""Keras model to verified int8 bundle."""
