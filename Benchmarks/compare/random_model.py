"""A BERT classification folder with random weights, for speed alone: a shape's configuration and another folder's tokenizer.

    python random_model.py SHAPE FOLDER TARGET
"""

import json
import shutil
import sys
from pathlib import Path

SHAPES = {
    "bert-base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072},
    "minilm-l6": {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536},
}
TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"]


def main(shape, folder, target):
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    vocabulary = json.loads((Path(folder) / "config.json").read_text())["vocab_size"]
    torch.manual_seed(1)
    BertForSequenceClassification(BertConfig(vocab_size=vocabulary, **SHAPES[shape])).save_pretrained(target)
    for path in (Path(folder) / name for name in TOKENIZER_FILES):
        if path.exists():
            shutil.copy(path, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
