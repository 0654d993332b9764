"""The tutorials' network: 160 k parameters, plain MNIST, 10 epochs; then int8.

    python benchmarks/train_baseline.py --data mnist.npz

Convolutions of 32, 64 and 64 filters with two poolings, a dense layer of 100 with batch
normalization, He's initialization, SGD 0.01 with momentum 0.9, batches of 64: the network that most
tutorials teach. Written to ``benchmarks/models/mnist-cnn.tflite``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from readers import BASELINE_MODEL

from digitcam.convert.network import quantize
from digitcam.train.data import load_digits

EPOCHS = 10


def main() -> int:
    """Train, quantize and write the network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="mnist.npz or its folder (or DIGITCAM_DATA)")
    options = parser.parse_args()
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    data = load_digits(options.data)
    convolution = {"activation": "relu", "kernel_initializer": "he_uniform"}
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, **convolution),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, **convolution),
            layers.Conv2D(64, 3, **convolution),
            layers.MaxPooling2D(),
            # Dense layers of 100 and 10, as convolutions: the older runtime knows no other int8.
            layers.Conv2D(100, 4, **convolution),
            layers.BatchNormalization(),
            layers.Conv2D(10, 1),
        ]
    )
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    images = (data.x_train / np.float32(255))[..., None]
    model.fit(images, data.y_train.reshape(-1, 1, 1), batch_size=64, epochs=EPOCHS, verbose=2)
    test = (data.x_test / np.float32(255))[..., None]
    accuracy = model.evaluate(test, data.y_test.reshape(-1, 1, 1), verbose=0)[1]
    print(f"{model.count_params():,} parameters, {accuracy:.2%} of MNIST's test set")
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "model.keras"
        model.save(saved)
        quantized = quantize(saved, 10, data.x_train[:500], data.x_test[:10])
    BASELINE_MODEL.parent.mkdir(exist_ok=True)
    BASELINE_MODEL.write_bytes(quantized.model)
    print(f"{BASELINE_MODEL}: {len(quantized.model):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
