"""Small random models of each family in a folder with a tokenizer of its kind."""

import json
import zlib
from random import Random

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification
from transformers.utils import logging

import vocabularies
from vocabularies import write_json

logging.disable_progress_bar()

BERT_LIKE = dict(hidden_size=24, num_attention_heads=4, intermediate_size=37, num_hidden_layers=2, max_position_embeddings=40)
ROBERTA_LIKE = dict(BERT_LIKE, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1, bos_token_id=0, eos_token_id=2)
DECODER_LIKE = dict(hidden_size=24, num_attention_heads=4, num_hidden_layers=2, max_position_embeddings=40, bos_token_id=None)
MODERN_SPECIALS = dict(pad_token_id=1, bos_token_id=0, cls_token_id=0, eos_token_id=2, sep_token_id=2)

# Every value of `model_type` that is served: its tokenizer's kind and class, and a small configuration.
SERVED = {
    "bert": ("wordpiece", "BertTokenizer", BERT_LIKE),
    "distilbert": (
        "wordpiece",
        "DistilBertTokenizer",
        dict(dim=20, n_heads=4, hidden_dim=33, n_layers=2, max_position_embeddings=40),
    ),
    "electra": ("wordpiece", "ElectraTokenizer", dict(BERT_LIKE, embedding_size=7)),
    "mpnet": ("mpnet", "MPNetTokenizer", dict(BERT_LIKE, pad_token_id=1)),
    "roberta": ("bytes", "RobertaTokenizer", ROBERTA_LIKE),
    "xlm-roberta": ("unigram", "XLMRobertaTokenizer", ROBERTA_LIKE),
    "camembert": ("unigram", "CamembertTokenizer", ROBERTA_LIKE),
    "albert": ("albert", "AlbertTokenizer", dict(BERT_LIKE, embedding_size=6, num_hidden_layers=3, pad_token_id=0)),
    "deberta-v2": (
        "deberta",
        "DebertaV2Tokenizer",
        dict(
            BERT_LIKE,
            type_vocab_size=0,
            relative_attention=True,
            position_buckets=8,
            norm_rel_ebd="layer_norm",
            share_att_key=True,
            pos_att_type="p2c|c2p",
            position_biased_input=False,
        ),
    ),
    "modernbert": (
        "bytes",
        "PreTrainedTokenizerFast",
        dict(
            hidden_size=24,
            num_attention_heads=4,
            intermediate_size=22,
            num_hidden_layers=4,
            max_position_embeddings=40,
            local_attention=6,
            **MODERN_SPECIALS,
        ),
    ),
    "ernie": ("wordpiece", "BertTokenizer", dict(BERT_LIKE, task_type_vocab_size=3, use_task_id=True)),
    "data2vec-text": ("bytes", "RobertaTokenizer", ROBERTA_LIKE),
    "ibert": ("bytes", "RobertaTokenizer", ROBERTA_LIKE),
    "roc_bert": ("wordpiece", "BertTokenizer", dict(BERT_LIKE, enable_pronunciation=False, enable_shape=False)),
    "luke": ("bytes", "RobertaTokenizer", dict(ROBERTA_LIKE, entity_vocab_size=9, entity_emb_size=5)),
    "squeezebert": ("wordpiece", "SqueezeBertTokenizer", dict(BERT_LIKE, embedding_size=24, intermediate_size=36, q_groups=2)),
    "big_bird": (
        "unigram",
        "PreTrainedTokenizerFast",
        dict(BERT_LIKE, attention_type="original_full", pad_token_id=1, bos_token_id=0, eos_token_id=2, sep_token_id=2),
    ),
    "mobilebert": (
        "wordpiece",
        "MobileBertTokenizer",
        dict(BERT_LIKE, embedding_size=9, intra_bottleneck_size=16, num_feedforward_networks=3),
    ),
    "gpt2": ("gpt2", "GPT2Tokenizer", dict(DECODER_LIKE, eos_token_id=4, pad_token_id=4)),
    "qwen3": (
        "qwen2",
        "Qwen2Tokenizer",
        dict(
            DECODER_LIKE, eos_token_id=4, pad_token_id=4, num_key_value_heads=2, head_dim=8, intermediate_size=33,
            rope_parameters={"rope_type": "default", "rope_theta": 1000.0},
        ),
    ),
}

ALBERT_SPECIALS = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
DEBERTA_SPECIALS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
MPNET_SPECIALS = ["<pad>", "[UNK]", "<s>", "</s>", "<mask>"]


def write_tokenizer(folder, model_type, **configuration):
    """tokenizer.json and tokenizer_config.json as folders of the family have them; gives the number of tokens."""
    kind, name, _ = SERVED[model_type]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tokenizer.json"
    settings = {"tokenizer_class": name, "model_max_length": 32}
    match kind:
        case "wordpiece":
            count = vocabularies.wordpiece_json(path)
            settings["do_lower_case"] = True
        case "mpnet":
            # The padding is token 1 in every MPNet.
            tokens = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
            tokens += [token for token in vocabularies.wordpiece_tokens() if token not in vocabularies.WORDPIECE_SPECIALS]
            count = vocabularies.wordpiece_json(path, tokens, specials=MPNET_SPECIALS)
            double_separator(path)
            settings["do_lower_case"] = True
        case "bytes":
            count = vocabularies.byte_pair_json(path)
            settings["add_prefix_space"] = False
            if model_type == "modernbert":
                settings["model_input_names"] = ["input_ids", "attention_mask"]
        case "gpt2" | "qwen2":
            count = vocabularies.plain_byte_pair_json(path, splits=kind == "qwen2")
            settings |= dict.fromkeys(["bos_token", "eos_token", "unk_token"], vocabularies.END)
            if kind == "qwen2":
                settings |= {"bos_token": None, "pad_token": vocabularies.END}
        case "unigram":
            count = vocabularies.unigram_json(path, double=model_type != "big_bird")
        case "albert":
            count = vocabularies.unigram_json(path, ("[CLS]", "[SEP]"), ALBERT_SPECIALS, double=False)
        case "deberta":
            count = vocabularies.unigram_json(path, ("[CLS]", "[SEP]"), DEBERTA_SPECIALS, splits=False, double=False)
    write_json(folder / "tokenizer_config.json", {**settings, **configuration})
    return count


def double_separator(path):
    """MPNet's template: two separators between the texts of a pair, all of type 0."""
    content = json.loads(path.read_text(encoding="utf-8"))
    a, b = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    first, last = ({"SpecialToken": {"id": name, "type_id": 0}} for name in ("<s>", "</s>"))
    content["post_processor"]["single"] = [first, a, last]
    content["post_processor"]["pair"] = [first, a, last, last, b, last]
    write_json(path, content)


def configuration(model_type, tokens, **settings):
    return AutoConfig.for_model(model_type, **{**SERVED[model_type][2], "vocab_size": tokens, **settings})


@torch.no_grad()
def randomise(model, seed):
    """Weights large enough that every parameter shows in the logits; a normalisation is near 1 and not the identity."""
    generator = torch.Generator().manual_seed(seed)
    # What nothing normalises grows from layer to layer, and so does what float32 makes of it.
    deviation = 0.2 if getattr(model.config, "normalization_type", None) == "no_norm" else 0.25
    for name, parameter in model.named_parameters():
        parameter.normal_(0, deviation, generator=generator)
        if name.endswith("weight") and parameter.dim() == 1:
            parameter.add_(1)
    return model


def seed_of(name, seed=0):
    return zlib.crc32(f"{name} {seed}".encode())


def random_of(name, seed=0):
    return Random(seed_of(name, seed))


def build(configuration, seed, kind=AutoModelForSequenceClassification):
    return randomise(kind.from_config(configuration).eval(), seed)


def write_model(folder, model_type="bert", seed=1, kind=AutoModelForSequenceClassification, tokenizer=None, **settings):
    """A whole folder of a family. `tokenizer`: what to say in tokenizer_config.json besides."""
    count = write_tokenizer(folder, model_type, **(tokenizer or {}))
    model = build(configuration(model_type, count, **{"num_labels": 3, **settings}), seed, kind)
    model.save_pretrained(folder)
    return model
