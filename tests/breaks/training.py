"""Defects of trainings and weights: what is trained is not what is sampled or served."""

from tests.breaks.planting import Break

SERVED = "tests/test_adapters.py"
TRAINED = "tests/test_training.py"
TOKENS = "tests/test_tokens.py"

BREAKS = [
    Break(
        "adapters are merged into bf16 weights, which lose them",
        "core/engines/adapters.py",
        (
            (
                "return merge(model, adapter) if model.dtype == torch.float32 else keep_beside(model, adapter)",
                "return merge(model, adapter)",
            ),
            ("MOST_LOST = 0.1", "MOST_LOST = 9.0"),
        ),
        (
            f"{SERVED}::test_what_is_served_in_bf16_has_the_adapters_whole",
            f"{SERVED}::test_a_merge_that_loses_the_adapter_is_refused",
        ),
    ),
    Break(
        "a merge counts as done where some weight has changed",
        "core/engines/adapters.py",
        (("if (lost := _lost(before, after, wanted)) > MOST_LOST:", "if (lost := 0.0):"),),
        (f"{SERVED}::test_a_merge_that_loses_the_adapter_is_refused",),
    ),
    Break(
        "the second adapter takes the first one's place beside a layer",
        "core/engines/adapters.py",
        (
            (
                "first, second = torch.cat([layer.beside_first, first]), "
                "torch.cat([layer.beside_second, second], dim=1)",
                "pass",
            ),
        ),
        (f"{SERVED}::test_what_is_served_in_bf16_has_the_adapters_whole",),
    ),
    Break(
        "an adapter that is more than factors is served without the rest",
        "core/engines/weights.py",
        (("return dtype if all(can_stay_beside(bare, adapter) for adapter in adapters) else", "return dtype or"),),
        (f"{SERVED}::test_an_adapter_that_is_more_than_factors_is_merged_in_fp32",),
    ),
    Break(
        "how far DPO's first loss may be from ln 2 is a guess",
        "core/method/training.py",
        (("SUMS_TOLERANCE + trainer.beta * apart", "1.0"),),
        (f"{TRAINED}::test_dpo_in_bf16_starts_at_ln2_from_sft_as_it_is_served",),
    ),
    Break(
        "DPO asks with a prompt of its own settings and without the samples' examples",
        "core/method/training_rows.py",
        (
            (
                "chat = chats_of(samples_of(work), dataset)",
                'chat = lambda item: task_chat(load_prompt(work.config.settings["prompt"]), item)',
            ),
        ),
        (f"{TRAINED}::test_dpo_is_trained_on_the_chats_that_were_sampled",),
    ),
    Break(
        "a pipeline's DPO does not have the prompt of its align samples",
        "core/runs/pipeline.py",
        (("aligned = as_sampled(file.dpo, file.align.prompt)", "aligned = file.dpo"),),
        ("tests/test_pipeline.py::test_dpo_has_the_prompt_that_its_pairs_are_sampled_with",),
    ),
    Break(
        "DPO renders with another chat template than its samples",
        "core/method/training.py",
        (("    refuse_other_template(chats.record(base_of(work.config.model)), samples)\n", ""),),
        (f"{TRAINED}::test_another_template_than_the_samples_is_refused",),
    ),
    Break(
        "a training reads prompts with the begin and end tokens that the tokenizer adds",
        "core/method/training_rows.py",
        (
            (
                "list(chats.prompt(task_chat(prompt, item)))",
                'chats.tokenizer(chats.text(task_chat(prompt, item)))["input_ids"]',
            ),
            (
                "list(chats.prompt(chat(items[pair.item_id])))",
                'chats.tokenizer(chats.text(chat(items[pair.item_id])))["input_ids"]',
            ),
        ),
        (f"{TOKENS}::test_what_is_trained_on_has_the_prompt_that_is_sampled_and_one_end",),
    ),
    Break(
        "answers are trained, and verdicts read, inside a thought",
        "core/engines/chats.py",
        (('closing = self.thought.closing if self.thought else ""', 'closing = ""'),),
        (f"{TOKENS}::test_a_thought_that_the_template_opens_is_closed_as_the_template_wants_it",),
    ),
    Break(
        "a template writes the date of the day, not of the run",
        "core/engines/templates.py",
        (("    if moment:\n", "    if False:\n"),),
        (f"{TOKENS}::test_the_date_is_written_as_the_template_wants_it",),
    ),
    Break(
        "a run that goes on is rendered with another day's date",
        "core/runs/folders.py",
        (("return datetime.fromisoformat(noted[0]) if noted else", "return"),),
        (f"{TOKENS}::test_a_run_is_rendered_with_its_own_date_also_when_it_is_resumed",),
    ),
    Break(
        "a response that was cut at the limit is trained to end there",
        "core/method/training_rows.py",
        (('if row.finish == "length"', 'if row.finish == "never"'),),
        (f"{TRAINED}::test_a_response_that_was_cut_at_the_limit_has_no_end",),
    ),
    Break(
        "an explanation ends its turn and speaks for the judge",
        "core/engines/chats.py",
        (("        if not self._special.search(text):\n", "        if True:\n"),),
        (
            f"{TOKENS}::test_an_explanation_cannot_put_words_into_the_judges_mouth",
            f"{TOKENS}::test_a_response_that_names_an_end_token_does_not_end_there",
        ),
    ),
    Break(
        "verdicts are read at a blank that SentencePiece puts before them",
        "core/engines/chats.py",
        (("        if not self._prepends:\n", "        if True:\n"),),
        (f"{TOKENS}::test_an_option_is_read_as_it_would_be_written_after_the_prompt",),
    ),
    Break(
        "an end token that the weights do not have counts as one",
        "core/engines/weights.py",
        (("if token is not None and token < rows))", "if token is not None))"),),
        (f"{TOKENS}::test_an_end_token_without_weights_ends_nothing",),
    ),
    Break(
        "a template may write tokens that the weights do not have",
        "core/engines/weights.py",
        (
            (
                'ChatTokenizer(tokenizer, rows).prompt(Chat((Message("user", "probe"),)))',
                "ChatTokenizer(tokenizer, rows)",
            ),
        ),
        (f"{TOKENS}::test_a_template_that_writes_a_token_without_weights_is_refused",),
    ),
    Break(
        "an added token beyond the embedding is read as a token",
        "core/engines/chats.py",
        (
            ("(self.rows is not None and i >= self.rows)\n            or (", "("),
            ("        if unknown:\n", "        if False:\n"),
        ),
        (f"{TOKENS}::test_added_tokens_that_the_weights_do_not_have_are_read_as_text",),
    ),
]
