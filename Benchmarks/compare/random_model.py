"""A classification folder with random weights, for speed alone: a shape's configuration and another folder's tokenizer.

    python random_model.py SHAPE FOLDER TARGET

The shapes are those of the published models, but for the vocabulary, which is the tokenizer's: only rows that a text names are
read. `deberta-v2-base` is of base size with what DeBERTa-v2-xlarge does: a convolution, and positions by a layer of their own.
"""

import json
import shutil
import sys
from pathlib import Path

BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
FROM_ROBERTA = {"max_position_embeddings": 514, "layer_norm_eps": 1e-5}
DEBERTA = BASE | {
    "type_vocab_size": 0, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 256,
    "norm_rel_ebd": "layer_norm", "position_biased_input": False,
}
# The family and what differs from its defaults.
SHAPES = {
    "bert-base": ("bert", BASE),
    "minilm-l6": (
        "bert", {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
    ),
    "distilbert-base": ("distilbert", {}),
    "roberta-base": ("roberta", BASE | FROM_ROBERTA | {"type_vocab_size": 1}),
    "xlm-roberta-base": ("xlm-roberta", BASE | FROM_ROBERTA | {"type_vocab_size": 1}),
    "electra-base": ("electra", BASE | {"embedding_size": 768}),
    "albert-base": ("albert", BASE | {"hidden_act": "gelu_new"}),
    "mpnet-base": ("mpnet", BASE | FROM_ROBERTA),
    "deberta-v3-base": ("deberta-v2", DEBERTA | {"share_att_key": True}),
    "deberta-v2-base": ("deberta-v2", DEBERTA | {"share_att_key": False, "conv_kernel_size": 3, "conv_act": "gelu"}),
    "modernbert-base": ("modernbert", {}),
}
TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"]


def main(shape, folder, target):
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    vocabulary = json.loads((Path(folder) / "config.json").read_text())["vocab_size"]
    family, settings = SHAPES[shape]
    torch.manual_seed(1)
    # The tokenizer pads with 0 and knows no other special ids that these families would ask for.
    config = AutoConfig.for_model(family, vocab_size=vocabulary, pad_token_id=0, **settings)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(target)
    for path in (Path(folder) / name for name in TOKENIZER_FILES):
        if path.exists():
            shutil.copy(path, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
