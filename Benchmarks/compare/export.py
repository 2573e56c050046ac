"""Makes each peer's best form of a Hugging Face classification folder, once, in a cache folder.

    python export.py FOLDER CACHE TEXTS LIBRARY…

`onnxruntime-fp32.onnx`   plain, or ONNX Runtime's transformer optimizer's (attention, GELU, LayerNorm and embedding fused as far as
                          it knows the family): whichever was faster here
`onnxruntime-int8.onnx`   likewise, quantised dynamically, one scale a channel
`onnxruntime.json`        which they are, and what was fused
`openvino-fp32.xml`       OpenVINO's conversion
`openvino-int8.xml`       the same, quantised by NNCF for a transformer, calibrated on 300 of the TEXTS
`ctranslate2-fp32`        CTranslate2's conversion of a BERT encoder, up to the pooled output
`ctranslate2-int8`        the same, its weights in int8
"""

import inspect
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import texts
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification

CALIBRATION_TEXTS = 300
CALIBRATION_LENGTH = 128
INPUTS = ["input_ids", "attention_mask", "token_type_ids"]
# Where the forms of a model for ONNX Runtime are compared.
LENGTHS = [16, 128, 512]


class Logits(torch.nn.Module):
    """The model as a function of those of INPUTS that it takes."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.inputs = [name for name in INPUTS if name in inspect.signature(model.forward).parameters]

    def forward(self, *values):
        return self.model(**dict(zip(self.inputs, values))).logits


def export(folder, path):
    model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager")
    ids = torch.ones(2, 16, dtype=torch.int64)
    values = dict(zip(INPUTS, (ids, torch.ones_like(ids), torch.zeros_like(ids))))
    logits = Logits(model).eval()
    axes = {0: "batch", 1: "length"}
    torch.onnx.export(
        logits, tuple(values[name] for name in logits.inputs), path, opset_version=17, dynamo=False,
        input_names=logits.inputs, output_names=["logits"], dynamic_axes=dict.fromkeys(logits.inputs, axes) | {"logits": {0: "batch"}},
    )
    return model.config


def seconds(path, longest):
    """The geometric mean over LENGTHS of the best of a few passes of one text, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    logarithms = []
    for length in (min(length, longest) for length in LENGTHS):
        ids = np.ones((1, length), dtype=np.int64)
        values = dict(zip(INPUTS, (ids, ids, ids * 0)))
        given, passes = {entry.name: values[entry.name] for entry in session.get_inputs()}, []
        for _ in range(6):
            start = time.perf_counter()
            session.run(None, given)
            passes.append(time.perf_counter() - start)
        logarithms.append(math.log(min(passes)))
    return math.exp(sum(logarithms) / len(logarithms))


def onnxruntime_models(config, plain, cache):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.optimizer import optimize_model

    fused = optimize_model(
        str(plain), model_type="bert", num_heads=config.num_attention_heads, hidden_size=config.hidden_size, opt_level=1
    )
    found = {name: count for name, count in fused.get_fused_operator_statistics().items() if count}
    if config.model_type == "bert":
        assert found["Attention"] == config.num_hidden_layers and found["EmbedLayerNormalization"] == 1, f"not fused: {found}"
    fused.save_model_to_file(str(cache / "fused-fp32.onnx"))
    for form in ("plain", "fused"):
        # Shape inference does not know the fused operators, so it is told their type.
        quantize_dynamic(
            cache / f"{form}-fp32.onnx", cache / f"{form}-int8.onnx", per_channel=True, weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    report = {"fused": found}
    for precision in ("fp32", "int8"):
        forms = {form: cache / f"{form}-{precision}.onnx" for form in ("plain", "fused")}
        report[precision] = min(forms, key=lambda form: seconds(forms[form], config.max_position_embeddings))
        forms.pop(report[precision]).rename(cache / f"onnxruntime-{precision}.onnx")
        for slower in forms.values():
            slower.unlink()
    (cache / "onnxruntime.json").write_text(json.dumps(report) + "\n")
    print("ONNX Runtime:", report)


def openvino_models(folder, plain, cache, calibration):
    import nncf
    import openvino

    model = openvino.convert_model(plain)
    openvino.save_model(model, cache / "openvino-fp32.xml", compress_to_fp16=False)
    inputs = {name for entry in model.inputs for name in entry.names}
    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(CALIBRATION_LENGTH)
    encoded = tokenizer.encode_batch([text for text, _ in texts.read(calibration, CALIBRATION_TEXTS)])
    samples = [np.array([encoding.ids], dtype=np.int64) for encoding in encoded]
    values = (dict(zip(INPUTS, (ids, np.ones_like(ids), np.zeros_like(ids)))) for ids in samples)
    dataset = nncf.Dataset([{name: value for name, value in of_text.items() if name in inputs} for of_text in values])
    quantised = nncf.quantize(
        model, dataset, model_type=nncf.ModelType.TRANSFORMER, subset_size=len(samples), fast_bias_correction=True
    )
    openvino.save_model(quantised, cache / "openvino-int8.xml", compress_to_fp16=False)


def ctranslate2_models(folder, cache):
    from ctranslate2.converters import TransformersConverter
    from transformers import BertConfig

    # The converter asks for it; transformers 5 knows no other kind and has dropped the name.
    BertConfig.position_embedding_type = "absolute"
    for name, quantization in (("ctranslate2-fp32", None), ("ctranslate2-int8", "int8")):
        TransformersConverter(folder).convert(str(cache / name), quantization=quantization, force=True)


def main(folder, cache, calibration, *libraries):
    cache = Path(cache)
    cache.mkdir(parents=True, exist_ok=True)
    plain = cache / "plain-fp32.onnx"
    config = export(folder, plain)
    # OpenVINO reads the plain graph, which ONNX Runtime's choice may take away.
    if "openvino" in libraries:
        openvino_models(folder, plain, cache, calibration)
    if "onnxruntime" in libraries:
        onnxruntime_models(config, plain, cache)
    if "ctranslate2" in libraries:
        ctranslate2_models(folder, cache)
    (cache / "complete").touch()


if __name__ == "__main__":
    main(*sys.argv[1:])
