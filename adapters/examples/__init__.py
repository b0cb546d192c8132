"""The same four tasks in each framework's own words: short programs as its tutorials write them.

They are read, counted and run (bench/evidence.py), never timed: their models are those of
`fnn-mnist`, `cnn-64-10`, `rnn-sequence` and `lstm-imdb`, but initial weights, shuffling and
Adam's epsilon are each framework's defaults. A program ``<framework>_<family>.py`` has

    train(x, y, epochs) -> model      x (N, ...) as the task's arrays, y (N,)
    predict(model, x) -> outputs      NumPy (N, classes) or (N, 1)

TensorFlow's are written in its core API; with its high-level API they would be Keras's.
``<framework>_dynamic.py`` and ``<framework>_exports.py`` hold what the other claims of the
framework table are measured on.
"""
