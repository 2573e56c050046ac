"""Makes each peer's best form of a Hugging Face BERT classification folder, once, in a cache folder.

    python export.py FOLDER CACHE TEXTS

`fused-fp32.onnx`     ONNX Runtime's transformer optimizer: attention, GELU, LayerNorm and embedding fused
`fused-int8.onnx`     the same, quantised dynamically, one scale a channel
`openvino-fp32.xml`   OpenVINO's conversion
`openvino-int8.xml`   the same, quantised by NNCF for a transformer, calibrated on 300 of the TEXTS
`ctranslate2-fp32`    CTranslate2's conversion of the encoder, up to the pooled output
`ctranslate2-int8`    the same, its weights in int8
"""

import sys
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


class Logits(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).logits


def export(folder, path):
    model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    ids = torch.ones(2, 16, dtype=torch.int64)
    axes = {0: "batch", 1: "length"}
    torch.onnx.export(
        Logits(model), (ids, torch.ones_like(ids), torch.zeros_like(ids)), path, opset_version=17, dynamo=False,
        input_names=INPUTS, output_names=["logits"], dynamic_axes=dict.fromkeys(INPUTS, axes) | {"logits": {0: "batch"}},
    )
    return model.config


def onnxruntime_models(config, plain, cache):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.optimizer import optimize_model

    fused = optimize_model(
        str(plain), model_type="bert", num_heads=config.num_attention_heads, hidden_size=config.hidden_size, opt_level=1
    )
    found = fused.get_fused_operator_statistics()
    assert found["Attention"] == config.num_hidden_layers and found["EmbedLayerNormalization"] == 1, f"not fused: {found}"
    fused.save_model_to_file(str(cache / "fused-fp32.onnx"))
    # Shape inference does not know the fused operators, so it is told their type.
    quantize_dynamic(
        cache / "fused-fp32.onnx", cache / "fused-int8.onnx", per_channel=True, weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )
    return {name: count for name, count in found.items() if count}


def openvino_models(folder, plain, cache, calibration):
    import nncf
    import openvino

    model = openvino.convert_model(plain)
    openvino.save_model(model, cache / "openvino-fp32.xml", compress_to_fp16=False)
    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(CALIBRATION_LENGTH)
    encoded = tokenizer.encode_batch([text for text, _ in texts.read(calibration, CALIBRATION_TEXTS)])
    samples = [np.array([encoding.ids], dtype=np.int64) for encoding in encoded]
    dataset = nncf.Dataset([dict(zip(INPUTS, (ids, np.ones_like(ids), np.zeros_like(ids)))) for ids in samples])
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


def main(folder, cache, calibration):
    cache = Path(cache)
    cache.mkdir(parents=True, exist_ok=True)
    plain = cache / "plain.onnx"
    config = export(folder, plain)
    print("ONNX Runtime fused:", onnxruntime_models(config, plain, cache))
    openvino_models(folder, plain, cache, calibration)
    ctranslate2_models(folder, cache)
    (cache / "complete").touch()


if __name__ == "__main__":
    main(*sys.argv[1:])
