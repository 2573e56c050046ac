"""What the reference library makes of a folder: ids, logits in float64, and the error of its own float32."""

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, PreTrainedTokenizerFast

ABSOLUTE, RELATIVE = 1e-5, 2e-6


class Reference:
    def __init__(self, folder, tokenizer="auto", model=True):
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        if tokenizer == "file":
            names = self.tokenizer.model_input_names
            self.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
            self.tokenizer.model_input_names = names
        if model:
            self.double, self.single = (
                AutoModelForSequenceClassification.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()
                for dtype in (torch.float64, torch.float32)
            )
        self.limit = min(self.tokenizer.model_max_length, positions(AutoConfig.from_pretrained(folder)))

    def encode(self, text, pair=None):
        # Many at once: so an empty second text is a pair as well.
        pairs = None if pair is None else [pair]
        encoded = self.tokenizer([text], pairs, truncation=True, max_length=self.limit)
        return {name: values[0] for name, values in encoded.items()}

    @torch.no_grad()
    def logits(self, encoded):
        """Of each text the logits in float64, and how far from them the tool may be: by twice what float32 is for any of them."""
        double, single = ([self.run(model, values) for values in encoded] for model in (self.double, self.single))
        error = max((abs(a - b) for left, right in zip(double, single) for a, b in zip(left, right)), default=0)
        return [(values, max(ABSOLUTE, RELATIVE * max(map(abs, values)), 2 * error)) for values in double]

    def run(self, model, encoded):
        return model(**{name: torch.tensor([values]) for name, values in encoded.items()}).logits[0].double().tolist()

    def label(self, logits):
        """The name of the highest logit, where one label is given."""
        configuration = self.double.config
        if len(logits) == 1 or configuration.problem_type in ("regression", "multi_label_classification"):
            return None
        return str(configuration.id2label[max(range(len(logits)), key=logits.__getitem__)])


def positions(configuration):
    """RoBERTa and MPNet count positions from behind the padding's row."""
    counts_behind = {"roberta", "xlm-roberta", "camembert", "mpnet", "data2vec-text", "ibert", "luke"}
    if configuration.model_type not in counts_behind:
        return configuration.max_position_embeddings
    # MPNet's padding is 1, whatever its configuration says.
    padding = 1 if configuration.model_type == "mpnet" else configuration.pad_token_id
    return configuration.max_position_embeddings - padding - 1
