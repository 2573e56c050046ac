"""The peers' engines behind one call: `engine(ids, mask)` gives logits. Each is imported only where it is measured.

`threads` work on one call; with `streams` that many calls may run at once, from threads of the caller.
"""

import inspect
from pathlib import Path

NAMES = [
    "openvino-int8", "onnxruntime-int8", "ctranslate2-int8",
    "openvino-fp32", "openvino-bf16", "onnxruntime-fp32", "ctranslate2-fp32", "torch-fp32",
]


def load(name, folder, cache, threads, streams=1):
    library, precision = name.split("-")
    loaders = {"onnxruntime": onnxruntime, "openvino": openvino, "ctranslate2": ctranslate2, "torch": torch}
    return loaders[library](folder, Path(cache), precision, threads, streams)


def inputs(ids, mask, names):
    """Those of a model's inputs: some families have no token types."""
    values = {"input_ids": ids, "attention_mask": mask, "token_type_ids": ids * 0}
    return {name: value for name, value in values.items() if name in names}


def onnxruntime(_, cache, precision, threads, streams):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads  # with 1 a call works on its caller's thread
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(cache / f"onnxruntime-{precision}.onnx", options, providers=["CPUExecutionProvider"])
    names = {entry.name for entry in session.get_inputs()}
    return lambda ids, mask: session.run(None, inputs(ids, mask, names))[0]


def openvino(_, cache, precision, threads, streams):
    import threading

    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads * streams, "NUM_STREAMS": streams}
    if precision != "int8":
        settings["INFERENCE_PRECISION_HINT"] = {"fp32": "f32", "bf16": "bf16"}[precision]
    form = "int8" if precision == "int8" else "fp32"
    compiled = openvino.Core().compile_model(cache / f"openvino-{form}.xml", "CPU", settings)
    names = {name for entry in compiled.inputs for name in entry.names}
    own = threading.local()

    def run(ids, mask):
        if not hasattr(own, "request"):
            own.request = compiled.create_infer_request()
        return own.request.infer(inputs(ids, mask, names))[0]

    return run


def ctranslate2(folder, cache, precision, threads, streams):
    """BERT's. The library ends at the pooled output: the classification head is numpy's."""
    import ctranslate2
    import numpy as np
    from safetensors import safe_open

    with safe_open(Path(folder) / "model.safetensors", "np") as tensors:
        weight, bias = tensors.get_tensor("classifier.weight"), tensors.get_tensor("classifier.bias")
    compute_type = {"int8": "int8", "fp32": "float32"}[precision]
    encoder = ctranslate2.Encoder(
        str(cache / f"ctranslate2-{precision}"), compute_type=compute_type, intra_threads=threads, inter_threads=streams
    )

    def run(ids, mask):
        view = ctranslate2.StorageView.from_array
        output = encoder.forward_batch(view(ids.astype(np.int32)), view(mask.sum(axis=1, dtype=np.int32)))
        return np.array(output.pooler_output) @ weight.T + bias

    return run


def torch(folder, _, precision, threads, streams):
    import torch
    from transformers import AutoModelForSequenceClassification

    torch.set_num_threads(threads)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    names = inspect.signature(model.forward).parameters

    @torch.inference_mode()
    def run(ids, mask):
        return model(**inputs(torch.from_numpy(ids), torch.from_numpy(mask), names)).logits.numpy()

    return run
