"""A language model made on the spot: it has learnt one sentence, and says it whatever it is asked."""

from __future__ import annotations

import random
from pathlib import Path

SENTENCE = "It opened in 1781 [1]."
_ROLES = ("<system>", "<user>", "<assistant>")
_END = "<end>"
_TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
_STEPS = 150
_SEEN = 8
"""Tokens that each layer looks back: however long the prompt is, what it says does not matter."""


def make_chat_model(folder: Path) -> Path:
    """A Mistral of 100,000 parameters that sees the last few bytes, with tokenizer and chat template; about 4 s, most of them imports."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    lengths = random.Random(0)
    vocabulary = {token: number for number, token in enumerate([*sorted(pre_tokenizers.ByteLevel.alphabet()), _END, *_ROLES])}
    raw = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.add_special_tokens([_END, *_ROLES])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token=_END, pad_token=_END, chat_template=_TEMPLATE)
    end = vocabulary[_END]
    model = MistralForCausalLM(
        MistralConfig(
            vocab_size=len(vocabulary), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=4, max_position_embeddings=32768, sliding_window=_SEEN, eos_token_id=end, pad_token_id=end,
            bos_token_id=None,
        )
    )  # fmt: skip
    said = torch.tensor([vocabulary["<assistant>"], *tokenizer(SENTENCE).input_ids, end]).repeat(8, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(_STEPS):
        anything = torch.randint(0, len(vocabulary), (8, lengths.choice((16, 24, 32))))
        tokens = torch.cat([anything, said], dim=1)
        labels = tokens.clone()
        labels[:, : anything.shape[1] + 1] = -100
        optimizer.zero_grad()
        model(input_ids=tokens, labels=labels).loss.backward()
        optimizer.step()
    model.generation_config.do_sample = False
    model.generation_config.max_new_tokens = 64
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
