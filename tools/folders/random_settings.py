"""Random draws from the legal and odd values of the keys of each family's config.json.

For each key: values that are served, and values that may be refused by name. A draw of served ones alone has to open wherever the
reference opens it.
"""

from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForSequenceClassification

from case import EITHER, EQUAL, Case
from folders import SERVED, build, configuration, random_of, seed_of, write_tokenizer
from usual_folders import texts_of, tokenizer_of
from vocabularies import write_json

# Leaves the key out, so that its default is read.
ABSENT = object()

ACTIVATIONS = (
    [
        "gelu",
        "gelu_new",
        "gelu_fast",
        "gelu_python",
        "gelu_accurate",
        "gelu_pytorch_tanh",
        "relu",
        "silu",
        "swish",
        "tanh",
        ABSENT,
    ],
    ["mish", "quick_gelu", "sigmoid", "relu2", "linear", "gelu_10", "elu", "GELU", None, 3],
)
RATES = ([0, 0.0, 0.1, 0.5, ABSENT], [1, 1.0, 2, -0.1, "0.1", None])
ANY_HEAD = {
    "architectures": ([None, [], ["SomethingElse"], ABSENT], []),
    "problem_type": ([None, "single_label_classification", "multi_label_classification"], ["regression", "other", 3]),
    "id2label": (
        [{"0": "a", "1": "b"}, {"1": "x", "0": "y", "2": "z"}, {str(i): f"label {i}" for i in range(11)}],
        [{"0": 1, "1": True}, {"0": "a", "2": "b"}, {"zero": "a"}, ["a", "b"]],
    ),
    "something_else": ([{"a": [1, None]}, 1e400, "x"], []),
    "dtype": (["float16", "bfloat16", "float32"], ["float8"]),
    "torch_dtype": (["float16", "bfloat16"], []),
    "tie_word_embeddings": ([True, False], []),
    "initializer_range": ([0.02, 1.0, 0.5], [0, 1, -1, "0.02"]),
    "vocab_size": ([1000, 777], [10]),
    "chunk_size_feed_forward": ([0, 1], [3]),
    "output_hidden_states": ([True], []),
    "is_decoder": ([False], [True]),
    "use_cache": ([True, False], []),
}
BERT = {
    **ANY_HEAD,
    "hidden_act": ACTIVATIONS,
    "hidden_size": ([12, 36, 60], [25, "24", 0, -24, 24.0, 24.5]),
    "num_attention_heads": ([1, 2, 3, 6, 24], [5, 0, -1, None]),
    "intermediate_size": ([1, 7, 64], [0, "37"]),
    "num_hidden_layers": ([1, 3, 5], [0, -1, True]),
    "max_position_embeddings": ([33, 40, 64, 600], [10, 0]),
    "type_vocab_size": ([2, 3], [0, 1]),
    "layer_norm_eps": ([1e-12, 1e-5, 1e-3, 0.1, ABSENT], [0, 1, "1e-5", None, -1e-5]),
    "pad_token_id": ([0, 3, ABSENT], [None, -1, -2, 10_000, 1.5]),
    "hidden_dropout_prob": RATES,
    "attention_probs_dropout_prob": RATES,
    "classifier_dropout": ([None, 0, 0.3, ABSENT], [1, "x"]),
    "position_embedding_type": (["absolute", ABSENT], ["relative_key", "relative_key_query", "other"]),
}


def without(keys, *names):
    return {key: values for key, values in keys.items() if key not in names}


ROBERTA = {
    **without(BERT, "type_vocab_size", "max_position_embeddings"),
    "type_vocab_size": ([1, 2], [0]),
    "max_position_embeddings": ([35, 40, 64, 514], [10]),
    "pad_token_id": ([0, 1, 4, ABSENT], [None, -1, 10_000]),
}
KEYS = {
    "bert": BERT,
    "distilbert": {
        **ANY_HEAD,
        "activation": ACTIVATIONS,
        "dim": ([12, 36], [21, 0]),
        "n_heads": ([1, 2, 5, 10], [3, 0]),
        "hidden_dim": ([1, 64], [0]),
        "n_layers": ([1, 3, 5], [0]),
        "max_position_embeddings": ([33, 64, 513], [10]),
        "sinusoidal_pos_embds": ([True, False, ABSENT], ["yes"]),
        "dropout": RATES,
        "attention_dropout": RATES,
        "seq_classif_dropout": RATES,
        "pad_token_id": ([0, 4, ABSENT], [None, -1]),
    },
    "roberta": ROBERTA,
    "xlm-roberta": ROBERTA,
    "camembert": ROBERTA,
    "data2vec-text": ROBERTA,
    "ibert": {**ROBERTA, "quant_mode": ([False, ABSENT], [True]), "force_dequant": (["none", ABSENT], ["gelu", "softmax"])},
    "luke": {
        **without(ROBERTA, "is_decoder", "chunk_size_feed_forward"),
        "use_entity_aware_attention": ([True, False], []),
        "entity_emb_size": ([24, 5], []),
        "entity_vocab_size": ([9, 30], []),
    },
    "electra": {
        **BERT,
        "embedding_size": ([24, 7, 30, 1], [0]),
        "summary_activation": (["gelu", "tanh"], []),
        "summary_last_dropout": ([0.1], []),
    },
    "albert": {
        **without(BERT, "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"),
        "num_hidden_groups": ([1, 2, 3], [0, 5]),
        "inner_group_num": ([1, 2, 3], [0]),
        "embedding_size": ([24, 6, 30], [0]),
        "hidden_dropout_prob": RATES,
        "classifier_dropout_prob": RATES,
        "down_scale_factor": ([1, 2], []),
        "net_structure_type": ([0, 1], []),
    },
    "mpnet": {
        **without(BERT, "type_vocab_size", "position_embedding_type", "pad_token_id", "max_position_embeddings"),
        "relative_attention_num_buckets": ([32, 40, ABSENT], [16, 4, 1]),
        "max_position_embeddings": ([35, 64], [10]),
        "pad_token_id": ([1, 0, 4], [None]),
    },
    "deberta-v2": {
        **without(
            BERT, "type_vocab_size", "position_embedding_type", "is_decoder", "chunk_size_feed_forward", "classifier_dropout"
        ),
        "type_vocab_size": ([0, 2], [1]),
        # Without it the reference still scales scores by pos_att_type: both together are refused.
        "relative_attention": ([True], [False, "yes"]),
        "position_buckets": ([-1, 4, 8, 256, ABSENT], [0, 1]),
        "max_relative_positions": ([-1, 5, 13, 512, ABSENT], [0]),
        "norm_rel_ebd": (["none", "layer_norm", ABSENT], ["other", "none|layer_norm"]),
        "share_att_key": ([True, False, ABSENT], []),
        "pos_att_type": ([["c2p", "p2c"], "c2p|p2c", "p2c", ["c2p"], [], "c2p", None, ABSENT], ["p2p", "other"]),
        "position_biased_input": ([True, False, ABSENT], []),
        "conv_kernel_size": ([0, 3, 5], [2, 1]),
        "conv_act": (["gelu", "tanh", ABSENT], ["mish"]),
        "conv_groups": ([1], [2]),
        "embedding_size": ([24, 10], [0]),
        "pooler_hidden_act": (["gelu", "tanh", "relu"], ["mish"]),
        "pooler_dropout": RATES,
        "cls_dropout": RATES,
        "legacy": ([True, False], []),
        "attention_head_size": ([6, ABSENT], [5]),
    },
    "modernbert": {
        **without(ANY_HEAD, "is_decoder", "chunk_size_feed_forward"),
        "hidden_activation": ACTIVATIONS,
        "classifier_activation": ACTIVATIONS,
        "hidden_size": ([16, 48], [25, 20]),
        "num_attention_heads": ([1, 2, 3, 6], [5, 8]),
        "intermediate_size": ([1, 64], [0]),
        "num_hidden_layers": ([1, 3, 6], [0]),
        "local_attention": ([1, 2, 5, 6, 128, ABSENT], [0, -1]),
        "global_attn_every_n_layers": ([1, 2, 3, 7, ABSENT], [0]),
        "global_rope_theta": ([100.0, 160000, ABSENT], [0, "100"]),
        "local_rope_theta": ([10.0, 10000, ABSENT], [0]),
        "norm_eps": ([1e-5, 1e-3, ABSENT], [0, "1"]),
        "norm_bias": ([True, False, ABSENT], []),
        "attention_bias": ([True, False], []),
        "mlp_bias": ([True, False], []),
        "classifier_bias": ([True, False], []),
        "classifier_pooling": (["cls", "mean", ABSENT], ["max", None]),
        "embedding_dropout": RATES,
        "mlp_dropout": RATES,
        "attention_dropout": RATES,
        "classifier_dropout": RATES,
        "reference_compile": ([None, False, True], []),
        "deterministic_flash_attn": ([False, True], []),
        "sparse_prediction": ([True, False], []),
        "rope_scaling": ([None], [{"rope_type": "linear", "factor": 2.0}]),
        "position_embedding_type": (["absolute", "sans_pos"], []),
        "tokenizer_class": (["PreTrainedTokenizerFast"], []),
    },
    "ernie": {
        **BERT,
        "use_task_id": ([True, False, ABSENT], []),
        "task_type_vocab_size": ([1, 3, 7, ABSENT], [0]),
        "task_id": ([0], [2]),
    },
    "roc_bert": {
        **BERT,
        "enable_pronunciation": ([False, True], []),
        "enable_shape": ([False, True], []),
        "concat_input": ([True, False], []),
        "pronunciation_embed_dim": ([5], []),
        "shape_embed_dim": ([6], []),
    },
    "squeezebert": {
        **without(
            BERT,
            "hidden_size",
            "intermediate_size",
            "is_decoder",
            "chunk_size_feed_forward",
            "position_embedding_type",
            "classifier_dropout",
        ),
        "intermediate_size": ([36, 64], [37]),
        "embedding_size": ([24], [12]),
        **{f"{name}_groups": ([1, 2, 4, ABSENT], [5]) for name in ("q", "k", "v", "post_attention", "intermediate", "output")},
    },
    "mobilebert": {
        **without(BERT, "is_decoder", "chunk_size_feed_forward", "position_embedding_type", "num_attention_heads", "hidden_size"),
        "hidden_size": ([20, 36], [0, "24"]),
        "num_attention_heads": ([1, 2, 4, 8], [3, 0]),
        "embedding_size": ([24, 7], [0]),
        "intra_bottleneck_size": ([8, 24, 32], [0]),
        "trigram_input": ([True, False, ABSENT], ["yes"]),
        "use_bottleneck": ([True, False, ABSENT], [1]),
        "use_bottleneck_attention": ([True, False, ABSENT], []),
        "key_query_shared_bottleneck": ([True, ABSENT], [False]),
        "num_feedforward_networks": ([1, 2, 5, ABSENT], [0]),
        "normalization_type": (["no_norm", "layer_norm", ABSENT], ["rms_norm"]),
        "classifier_activation": ([True, False, ABSENT], []),
    },
    "gpt2": {
        **without(ANY_HEAD, "is_decoder", "chunk_size_feed_forward"),
        "activation_function": ACTIVATIONS,
        "n_embd": ([12, 36], [25]),
        "n_head": ([1, 2, 6], [5, 0]),
        "n_layer": ([1, 3, 5], [0]),
        "n_positions": ([33, 64, 600], [10]),
        "n_inner": ([None, 1, 50, ABSENT], [0]),
        "layer_norm_epsilon": ([1e-5, 1e-3, ABSENT], [0, "1e-5"]),
        "scale_attn_weights": ([True, False, ABSENT], []),
        "scale_attn_by_inverse_layer_idx": ([True, False, ABSENT], []),
        "add_cross_attention": ([False, ABSENT], [True]),
        "pad_token_id": ([None, 4, 7, 60, ABSENT, -1], ["4"]),
        "resid_pdrop": RATES,
        "embd_pdrop": RATES,
        "attn_pdrop": RATES,
        "summary_type": (["cls_index", "last"], []),
    },
    "qwen3": {
        **without(ANY_HEAD, "is_decoder", "chunk_size_feed_forward"),
        "hidden_act": ACTIVATIONS,
        "hidden_size": ([12, 36, 25], [0, "24"]),
        "num_attention_heads": ([2, 4, 6], [5, 0]),
        "num_key_value_heads": ([1, 2, None], [3, 0]),
        "head_dim": ([2, 6, 16], [5, 0]),
        "intermediate_size": ([1, 64], [0]),
        "num_hidden_layers": ([1, 3, 5], [0]),
        "max_position_embeddings": ([33, 64, 4000], [10]),
        "rms_norm_eps": ([1e-6, 1e-3, ABSENT], [0, "1"]),
        "attention_bias": ([True, False, ABSENT], []),
        "attention_dropout": RATES,
        "use_sliding_window": ([True, False, ABSENT], []),
        "sliding_window": ([None, 1, 3, 9, ABSENT], [0]),
        "max_window_layers": ([0, 1, 2, 28, ABSENT], []),
        "layer_types": ([["full_attention", "full_attention"]], [["full_attention"], ["sliding_attention", "full_attention"], ["x", "y"]]),
        "rope_theta": ([100.0, 1000000, ABSENT], [0]),
        "rope_scaling": (
            [None, {"rope_type": "default"}, {"rope_type": "default", "rope_theta": 50.0}],
            [{"rope_type": "linear", "factor": 2.0}, {"type": "yarn", "factor": 4.0}, {"rope_type": "dynamic", "factor": 2.0}],
        ),
        "rope_parameters": ([ABSENT, None, {"rope_theta": 77.0}], [{"rope_type": "llama3", "factor": 8.0}, 3]),
        "pad_token_id": ([None, 4, 7, 60, ABSENT], ["4"]),
    },
    "big_bird": {
        **without(BERT, "pad_token_id"),
        "attention_type": (["original_full", "block_sparse", ABSENT], ["other"]),
        "block_size": ([2, 16, 64], [0]),
        "num_random_blocks": ([1, 3], [0]),
        "use_bias": ([True, False], []),
        "rescale_embeddings": ([False, True], []),
    },
}


def cases(seed, count):
    names = list(SERVED)
    for number in range(count):
        model_type = names[number % len(names)]
        name = f"random/{model_type}/{number // len(names)}"
        changes, odd = draw(KEYS[model_type], random_of(name, seed))
        yield Case(
            name,
            lambda directory, m=model_type, n=name, c=changes: write(directory / "model", m, c, seed_of(n, seed)),
            expect=EITHER if odd else EQUAL,
            tokenizer=tokenizer_of(model_type),
            texts=texts_of(model_type),
            reference_may_fail=True,
            pairs=[("the film", "dull"), ("", "a b")],
            note=shown(changes),
        )


def draw(keys, choose):
    """Some keys' values, and whether one of them may be refused."""
    changes, odd = {}, False
    for key in choose.sample(sorted(keys), choose.randint(1, 5)):
        served, others = keys[key]
        if others and (not served or choose.random() < 0.12):
            changes[key], odd = choose.choice(others), True
        else:
            changes[key] = choose.choice(served)
    return changes, odd


def shown(changes):
    return ", ".join(f"{key} {'absent' if value is ABSENT else value}" for key, value in changes.items())


def write(folder, model_type, changes, seed):
    """config.json says what was drawn and little else. Weights are those of what the reference makes of it, or of the usual
    settings where it refuses."""
    count = write_tokenizer(folder, model_type, model_max_length=1 << 40)
    usual = configuration(model_type, count, num_labels=3)
    content = {
        "model_type": model_type,
        "architectures": [type(build(usual, 0)).__name__],
        **SERVED[model_type][2],
        "vocab_size": count,
        "id2label": {"0": "negative", "1": "neutral", "2": "positive"},
        **changes,
    }
    write_json(folder / "config.json", {key: value for key, value in content.items() if value is not ABSENT})
    try:
        model = build(AutoConfig.from_pretrained(folder), seed, AutoModelForSequenceClassification)
    except Exception:
        model = build(usual, seed)
    tensors = {name: value.contiguous().clone() for name, value in model.state_dict().items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
