"""TensorFlow in several processes: MultiWorkerMirroredStrategy with a loop of its own.

As the tutorial on custom training loops over workers has it: TF_CONFIG, everything made in the
strategy's scope, the loss of a worker's rows divided by the whole batch's, `strategy.run`. The
network and tf.optimizers are those of the documented row (documented_model.py); the optimizer sums
the workers' gradients when it applies them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from adapters.base import AdamForm, Data, Place, Setting, Unsupported, form_of
from adapters.peer import PeerAdapter
from adapters.tensorflow.documented_model import (
    LOSSES,
    in_training,
    named_variables,
    network,
    optimizer,
)
from tasks.spec.network import Task
from tasks.weights import Weights


class Peer(PeerAdapter):
    """One worker of TensorFlow's."""

    adam_form: ClassVar[AdamForm] = "epsilon-hat"

    def __init__(self, way: str, place: Place, threads: int) -> None:
        if way != "multi-worker":
            raise Unsupported(f"TensorFlow has no scheme {way!r} here: multi-worker")
        self.place = place
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        kinds = tf.distribute.experimental.CommunicationImplementation
        options = tf.distribute.experimental.CommunicationOptions(implementation=kinds.RING)
        self._strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)

    def settings(self) -> dict[str, Setting]:
        return {
            "version": tf.__version__,
            "keras": tf.keras.__version__,
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "ranks": self._strategy.num_replicas_in_sync,
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self._task = task
        tf.random.set_seed(self.own_seed(seed))
        with self._strategy.scope():
            made = network(task)
            self._variables = named_variables(task, made)
            for name, variable in self._variables.items():
                variable.assign(weights[name])
            rule = optimizer(task)
            rule.build(list(self._variables.values()))
        loss_of, trained = form_of("loss", task.loss, LOSSES), in_training(made)
        variables, share = list(self._variables.values()), self.share()

        def replica(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = share * loss_of(y, trained(x))
            gradients = tape.gradient(loss, variables)
            rule.apply_gradients(zip(gradients, variables, strict=True))
            return loss

        def step(x: Any, y: Any) -> Any:
            losses = self._strategy.run(replica, (x, y))
            return self._strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

        self._step = tf.function(step)

    def share(self) -> float:
        """What the mean loss of a worker's rows is of the whole batch's; gradients are summed."""
        return 1 / self.place.size

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        return tf.constant(x), tf.constant(y)

    def train(self, data: Data, order: np.ndarray) -> float:
        x, y = data
        losses = [
            self._step(tf.gather(x, rows), tf.gather(y, rows))
            for rows in tf.constant(self.part(order))
        ]
        return float(np.mean([float(loss) for loss in losses]))

    def wait(self) -> None:
        """A step returns when it is done; `sync_devices` asks for workers that eager code calls."""
        next(reversed(self._variables.values())).numpy()

    def weights(self) -> Weights:
        return {name: variable.numpy() for name, variable in self._variables.items()}

    def reduction(self) -> Callable[[], None]:
        arrays = [tf.zeros(variable.shape) for variable in self._variables.values()]

        def replica() -> Any:
            context = tf.distribute.get_replica_context()
            return context.all_reduce(tf.distribute.ReduceOp.MEAN, arrays)[-1]

        run = tf.function(lambda: self._strategy.run(replica))

        def reduce() -> None:
            self._strategy.experimental_local_results(run())[0].numpy()

        return reduce
