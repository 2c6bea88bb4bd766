"""Defects of run identities, parents, seals and devices."""

from tests.breaks.planting import Break

DURABLE = "tests/test_durable.py"
T = "tests/test_identity.py"
BREAKS: list[Break] = [
    Break(
        "a table of a pipeline takes its class's defaults for its field's: pairs come from the test split",
        "core/settings_base.py",
        (("return {name: _laid_over(fields.get(name), value) for name, value in given.items()}", "return given"),),
        (
            f"{T}::test_a_table_leaves_what_it_does_not_name_as_its_field_has_it",
            f"{T}::test_a_partial_selection_on_the_command_line_keeps_the_test_split",
        ),
    ),
    Break(
        "questions that repeat under another id are trained on and evaluated",
        "core/data/questions.py",
        (("if q.id not in ids and q.content in contents", "if False"),),
        (f"{T}::test_test_questions_that_would_be_trained_on_are_refused_by_content_and_the_way_out_works",),
    ),
    Break(
        "the same rows are trained on and evaluated",
        "core/runs/pipeline.py",
        (("if refusal := question_sets(file, questions_in(dataset)).refusal:", "if refusal := None:"),),
        (f"{T}::test_the_same_rows_in_two_tables_are_refused_before_anything_is_launched",),
    ),
    Break(
        "a variant is asked what it was trained on, without a word",
        "core/runs/exposure.py",
        (("return Exposure(seen, len(asked)) if seen else None", "return None"),),
        (f"{T}::test_a_variant_asked_what_it_was_trained_on_is_said_before_the_launch_and_beside_its_figures",),
    ),
    Break(
        "a run's id leaves out chat template, tokenizer and configuration",
        "core/runs/folders.py",
        (('beside = [{"files": self.files}] if self.files else []', "beside = []"),),
        (f"{T}::test_whatever_is_loaded_with_the_weights_makes_another_variant",),
    ),
    Break(
        "the generation configuration of a model is not part of what it is",
        "core/models/files.py",
        (('NEVER_LOADED = {"weights_hash.json", ', 'NEVER_LOADED = {"weights_hash.json", "generation_config.json", '),),
        (f"{T}::test_whatever_is_loaded_with_the_weights_makes_another_variant",),
    ),
    Break(
        "runs of before are not told from those whose template is part of their id",
        "core/runs/folders.py",
        (("return bool(self.path) and not self.files", "return False"),),
        (f"{T}::test_runs_of_before_keep_their_ids_and_say_what_these_leave_out",),
    ),
    Break(
        "a run goes on with another chat template than it began with",
        "core/models/variants.py",
        (("if (now := files_hash(folder)) != use.files:", "if (now := files_hash(folder)) is None:"),),
        (f"{T}::test_a_run_is_not_resumed_on_another_template_or_other_weights",),
    ),
    Break(
        "pairs of samples with judgements of others are sealed as done",
        "core/runs/belonging.py",
        (("        if theirs != wanted:\n", "        if False:\n"),),
        (
            f"{T}::test_judgements_of_other_samples_are_refused",
            f"{T}::test_debates_about_other_samples_and_scores_of_other_debates_are_refused",
        ),
    ),
    Break(
        "DPO starts from base under the lineage of sft",
        "core/runs/belonging.py",
        (("        if not same_variant(after, config.model):\n", "        if False:\n"),),
        (f"{T}::test_dpo_starts_from_its_sft_run_and_from_whoever_drew_the_pairs",),
    ),
    Break(
        "DPO on the command line takes no adapter unless it is told",
        "core/runs/belonging.py",
        (('return variant_after(parents[role], config) if kind == "dpo" else', 'return None if kind == "dpo" else'),),
        (f"{T}::test_dpo_on_the_command_line_takes_the_chain_of_its_sft_run_by_itself",),
    ),
    Break(
        "the worker does not look whether its parents belong together",
        "core/runs/worker.py",
        (("    require_belonging(work.config, configs_of(work.home))\n", ""),),
        (f"{T}::test_an_adapter_is_refused_on_a_chain_that_it_was_not_trained_on",),
    ),
    Break(
        "judge and reader are the lab's default model where base is another",
        "core/runs/pipeline.py",
        (
            (
                'return self.base, self.judge or self.base, None if reader == "off"',
                'return self.base, self.judge or "default", None if reader == "off"',
            ),
        ),
        (f"{T}::test_judge_and_reader_are_base_where_none_is_named",),
    ),
    Break(
        "a judge that is smaller than what it judges is not said",
        "core/models/sizes.py",
        (("own >= max(sizes)", "own >= 0"),),
        (
            f"{T}::test_a_judge_that_is_smaller_than_what_it_judges_is_said",
            f"{T}::test_a_small_judge_is_said_on_its_card_before_the_launch_and_in_the_terminal",
        ),
    ),
    Break(
        "explanations that changed after their seal are judged",
        "core/runs/sealed.py",
        (('        if name != "events":\n', "        if False:\n"),),
        (
            f"{T}::test_rows_that_changed_after_their_seal_are_refused_with_both_hashes",
            f"{T}::test_own_rows_that_changed_while_a_run_was_stopped_are_refused",
        ),
    ),
    Break(
        "an adapter whose scale changed after its seal is loaded",
        "core/runs/sealed.py",
        (
            (
                'adapter = result.get("adapter") or (',
                "adapter = (",
            ),
        ),
        (f"{T}::test_an_adapter_that_changed_after_its_seal_is_refused",),
    ),
    Break(
        "base weights are replaced between kill and resume, without a word",
        "core/models/variants.py",
        (("if (now := weights_hash(folder)) != use.hash:", "if (now := weights_hash(folder)) is None:"),),
        (f"{T}::test_a_run_is_not_resumed_on_another_template_or_other_weights",),
    ),
    Break(
        "the database takes a journal for the one it knows by its length",
        "core/store/journal.py",
        (("and hashlib.sha256(content[:offset]).hexdigest() == read", ""),),
        (f"{T}::test_a_journal_that_was_put_in_place_of_another_is_read_from_its_start",),
    ),
    Break(
        "a database of another lab is taken for this lab's",
        "core/store/database.py",
        (('(*ROW_TABLES, "runs", "journal") if known else ()', "()"),),
        (f"{T}::test_a_database_of_another_lab_is_filled_from_this_labs_folders",),
    ),
    Break(
        "what people give as a run is taken for a pattern",
        "core/runs/folders.py",
        (
            (
                'names = sorted(name for name in everything if name.startswith(run_id) and not name.startswith("."))',
                'names = sorted(path.name for path in home.runs.glob(f"{run_id}*")) if everything else []',
            ),
        ),
        (f"{T}::test_what_people_give_as_a_run_is_no_pattern_and_no_path",),
    ),
    Break(
        "a pipeline's id holds the folders of its models",
        "core/runs/folders.py",
        (('return self.kind == "pipeline" and self.settings.get("identity") == "runs"', "return False"),),
        (f"{T}::test_a_pipelines_id_holds_no_folder_and_a_moved_lab_goes_on",),
    ),
    Break(
        "a moved lab looks for its models where they were",
        "core/home.py",
        (('if part in ("models", "runs")]', "if False]"),),
        (f"{T}::test_a_run_of_before_whose_folder_was_elsewhere_is_found_in_this_home",),
    ),
    Break(
        "a run sees every device",
        "core/runs/worker.py",
        (("            device.take()\n", ""),),
        ("tests/test_devices.py::test_two_runs_see_a_device_each_before_torch_is_imported",),
    ),
    Break(
        "one slot for all devices",
        "core/runs/devices.py",
        (("or str(len(found))", 'or "1"'),),
        (
            "tests/test_devices.py::test_a_slot_is_a_device_by_its_uuid_or_that_of_its_part",
            "tests/test_devices.py::test_two_runs_see_a_device_each_before_torch_is_imported",
        ),
    ),
    Break(
        "a run says done before its rows and its adapter are on the disk",
        "core/runs/work.py",
        (("            durable.flush_tree(self.path)\n", ""),),
        (f"{DURABLE}::test_a_power_cut_at_any_moment_leaves_no_run_that_says_done_and_is_not_whole",),
    ),
    Break(
        "a seal is renamed before its bytes are on the disk",
        "core/runs/seals.py",
        (("        file.truncate()\n        durable.flush(file)\n", "        file.truncate()\n"),),
        (f"{DURABLE}::test_a_power_cut_at_any_moment_leaves_no_run_that_says_done_and_is_not_whole",),
    ),
    Break(
        "a file takes its place and the folder is not flushed",
        "core/durable.py",
        (("    source.replace(target)\n    flush_path(target.parent)\n", "    source.replace(target)\n"),),
        (f"{DURABLE}::test_what_a_person_did_and_registered_is_there_after_a_power_cut",),
    ),
    Break(
        "a seal that cannot be read is a traceback",
        "core/runs/folders.py",
        (
            (
                "            return read_seal(self.path)\n        except Damaged:\n            return None\n",
                "            return read_seal(self.path)\n        except Damaged as error:\n"
                "            raise AssertionError(str(error)) from None\n",
            ),
        ),
        (f"{DURABLE}::test_a_seal_that_cannot_be_read_counts_as_none_and_the_run_is_resumed_and_sealed",),
    ),
]
