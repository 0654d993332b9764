"""Training on more than one machine: each worker learns its part of every batch.

Every worker makes the same epochs, from the same seeds, and takes its part of each batch; gradients
are added up, so that the steps are those of one machine with the whole batch. The first worker, the
chief, writes the run folder. Who is who says ``TF_CONFIG``, as TensorFlow's own programs have it:
https://www.tensorflow.org/guide/distributed_training

Keras' own ``fit`` fails within a strategy's scope, so the network stays a plain one, and only the
step that is taken with a batch is everybody's: https://github.com/keras-team/keras/issues/20585
"""

from __future__ import annotations

import faulthandler
import hashlib
import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import RunError
from .run import say

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

VARIABLE = "TF_CONFIG"
"""Environment variable that holds the workers' addresses and which of them this one is."""
EXAMPLE = (
    '{"cluster": {"worker": ["one:2222", "two:2222"]}, "task": {"type": "worker", "index": 0}}'
)
WAIT_S = 600
"""How long workers wait for each other to start."""
PORT_TAKEN = "Could not start gRPC server"
ABORTED = "aborted by: "
"""What TensorFlow says before the reason."""


class Team(Protocol):
    """Those who train one network."""

    chief: bool
    """Whether this one writes the files."""
    count: int
    """How many they are."""

    def agree_on(self, description: Mapping[str, Any]) -> None:
        """Refuse to train together what is not the same.

        Raises:
            RunError: Another worker trains something else.
        """
        ...

    def tell(self, value: int) -> int:
        """Return the chief's value."""
        ...

    def mean(self, value: float) -> float:
        """Return the mean of all values."""
        ...

    def part(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Return this worker's samples of an epoch's."""
        ...

    def train_together(self, model: keras.Model) -> None:
        """Give a compiled model the chief's weights, and have its steps be everybody's."""
        ...


class Alone:
    """The team of one machine."""

    chief, count = True, 1

    def agree_on(self, description: Mapping[str, Any]) -> None:
        """Agree."""

    def tell(self, value: int) -> int:
        """Return the value."""
        return value

    def mean(self, value: float) -> float:
        """Return the value."""
        return float(value)

    def part(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Return all samples."""
        return samples

    def train_together(self, model: keras.Model) -> None:
        """Leave the model as it is."""


class Workers:
    """Several processes, perhaps on several machines, that TF_CONFIG names.

    Args:
        hosts: Address and port of each.
        index: Which of them this is.
    """

    def __init__(self, hosts: list[str], index: int) -> None:
        import tensorflow as tf

        self.chief, self.count, self._index = index == 0, len(hosts), index
        say(f"waiting at most {WAIT_S} s for {', '.join(hosts)}")
        with _bounded_wait():
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        # TensorFlow takes it for a notice, and would train on.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if self._strategy.num_replicas_in_sync != self.count:
            raise RunError(
                f"a worker has one device, found {self._strategy.num_replicas_in_sync} for "
                f"{self.count} workers; give each one with CUDA_VISIBLE_DEVICES"
            )

        def gather(value: tf.Tensor) -> tf.Tensor:
            return tf.distribute.get_replica_context().all_gather(value[None], axis=0)

        self._gathered = tf.function(lambda value: self._strategy.run(gather, args=(value,)))

    def agree_on(self, description: Mapping[str, Any]) -> None:
        """Refuse to train together what is not the same."""
        text = json.dumps(description, sort_keys=True)
        digest = np.frombuffer(hashlib.sha256(text.encode()).digest(), np.int32)
        if (self._gather(digest) != digest).any():
            raise RunError(
                "the workers' settings, data or library versions differ; start all with the same"
            )

    def tell(self, value: int) -> int:
        """Return the chief's value."""
        return int(self._gather(np.int64(value))[0])

    def mean(self, value: float) -> float:
        """Return the mean of all values."""
        return float(self._gather(np.float64(value)).mean())

    def part(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Return every ``count``-th sample; the last few are left out if they do not go round."""
        whole = len(samples) // self.count * self.count
        return samples[self._index : whole : self.count]

    def train_together(self, model: keras.Model) -> None:
        """Give the model the chief's weights, and have its steps use all gradients.

        Batches are normalized by the statistics of all workers, as on one machine.
        """
        from keras import layers

        self._share_weights(model)
        for layer in model.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.synchronized = True
        model.jit_compile = False
        model.train_step = self._train_step(model)

    def _share_weights(self, model: keras.Model) -> None:
        model.optimizer.build(model.trainable_variables)
        variables = [*model.variables, *model.optimizer.variables]
        values = [np.atleast_1d(np.asarray(variable)) for variable in variables]
        bits = np.concatenate([value.ravel().view(np.int32) for value in values])
        ends = np.cumsum([value.nbytes // 4 for value in values])
        chiefs = np.split(self._gather(bits)[0], ends[:-1])
        for variable, value, own in zip(variables, values, chiefs, strict=True):
            variable.assign(own.view(value.dtype).reshape(variable.shape))

    def _train_step(self, model: keras.Model) -> Any:
        import tensorflow as tf

        def replica(images: tf.Tensor, targets: tf.Tensor) -> Any:
            with tf.GradientTape() as tape:
                outputs = model(images, training=True)
                loss = model.compute_loss(images, targets, outputs)  # divided by the replicas
            gradients = tape.gradient(loss, model.trainable_weights)
            context = tf.distribute.get_replica_context()
            return context.all_reduce("SUM", gradients), outputs, loss

        def train_step(data: Any) -> Any:
            images, targets = data
            gradients, outputs, loss = self._strategy.run(replica, args=(images, targets))
            model.optimizer.apply(gradients, model.trainable_weights)
            model.metrics[0].update_state(loss * self.count, sample_weight=tf.shape(images)[0])
            return model.compute_metrics(images, targets, outputs)

        return train_step

    def _gather(self, value: Any) -> NDArray[Any]:
        """Return every worker's value: (...) -> (workers, ...)."""
        import tensorflow as tf

        gathered: NDArray[Any] = self._gathered(tf.convert_to_tensor(value)).numpy()
        return gathered


@contextmanager
def join_team(batch_size: int) -> Iterator[Team]:
    """Join the workers that TF_CONFIG names, or be alone without it.

    Args:
        batch_size: Samples a step, which the workers share equally.

    Raises:
        RunError: TF_CONFIG is not as expected, the batch cannot be shared, or a worker was lost.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        yield Alone()
        return
    hosts, index = _parse(text)
    if batch_size % len(hosts):
        raise RunError(
            f"the batch must be a multiple of the {len(hosts)} workers, found {batch_size}; give "
            "another --batch-size"
        )
    import keras
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        raise RunError(
            f"training with {VARIABLE} needs Keras on TensorFlow, found {keras.backend.backend()}; "
            "unset KERAS_BACKEND"
        )
    try:
        yield Workers(hosts, index)
    except tf.errors.UnknownError as error:
        if PORT_TAKEN not in str(error):
            raise RunError(_lost(error)) from error
        raise RunError(
            f"{hosts[index]}: expected a port to listen on, cannot ({PORT_TAKEN}); is it taken?"
        ) from error
    except tf.errors.OpError as error:
        raise RunError(_lost(error)) from error


def _parse(text: str) -> tuple[list[str], int]:
    """Return the workers' addresses, and which of them this is."""
    try:
        content = json.loads(text)
        hosts, task = content["cluster"]["worker"], content["task"]
        kind, index = task["type"], task["index"]
        fits = (
            set(content["cluster"]) == {"worker"}
            and kind == "worker"
            and type(index) is int
            and bool(hosts)
            and all(type(host) is str and ":" in host for host in hosts)
            and 0 <= index < len(hosts)
        )
    except (ValueError, TypeError, LookupError, RecursionError):
        fits = False
    if not fits:
        raise RunError(f"{VARIABLE}: expected such as {EXAMPLE}, found {text:.200}")
    return list(hosts), index


@contextmanager
def _bounded_wait() -> Iterator[None]:
    """Let a wait be ended by Ctrl-C and by its time, though it keeps Python from running."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    with Path(os.devnull).open("w") as nowhere:
        faulthandler.dump_traceback_later(WAIT_S, exit=True, file=nowhere)  # from a thread in C
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            signal.signal(signal.SIGINT, before)


def _lost(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reasons = [line.split(ABORTED)[1] for line in lines if ABORTED in line]
    reason = (reasons or lines or [type(error).__name__])[0][:200]
    return (
        f"another worker was lost ({reason}); start all again, and they go on after the last whole "
        "epoch"
    )
