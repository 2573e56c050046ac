"""The peers' engines behind one call: `engine(ids, mask)` gives logits. Each is imported only where it is measured."""

from pathlib import Path

NAMES = ["onnxruntime-int8", "openvino-int8", "onnxruntime-fp32", "openvino-fp32", "torch-fp32"]


def load(name, folder, cache, threads):
    library, precision = name.split("-")
    return {"onnxruntime": onnxruntime, "openvino": openvino, "torch": torch}[library](folder, Path(cache), precision, threads)


def inputs(ids, mask):
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": ids * 0}


def onnxruntime(_, cache, precision, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(cache / f"fused-{precision}.onnx", options, providers=["CPUExecutionProvider"])
    return lambda ids, mask: session.run(None, inputs(ids, mask))[0]


def openvino(_, cache, precision, threads):
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    if precision == "fp32":
        settings["INFERENCE_PRECISION_HINT"] = "f32"  # it would take bf16 where the CPU has it
    request = openvino.Core().compile_model(cache / f"openvino-{precision}.xml", "CPU", settings).create_infer_request()
    return lambda ids, mask: request.infer(inputs(ids, mask))[0]


def torch(folder, _, precision, threads):
    import torch
    from transformers import AutoModelForSequenceClassification

    torch.set_num_threads(threads)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()

    @torch.inference_mode()
    def run(ids, mask):
        return model(**inputs(torch.from_numpy(ids), torch.from_numpy(mask))).logits.numpy()

    return run
