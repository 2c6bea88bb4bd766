"""Defects of serving the app, of the benchmarks, and of a lab that is installed without its checkout."""

from tests.breaks.planting import Break

BREAKS = [
    Break(
        "the process in front of the app keeps what it loaded, and leaves its worker a zombie",
        "core/serve.py",
        (
            (
                '    os.execv(sys.executable, [sys.executable, "-m", "core.serve", str(port)])\n',
                "    sys.exit(main(str(port)))\n",
            ),
            ("        child, status = os.waitpid(-1, 0)", "        child, status = os.waitpid(server.pid, 0)"),
        ),
        ("tests/test_serve.py::test_the_process_in_front_of_the_app_is_small_and_reaps_what_was_launched_before_it",),
    ),
    Break(
        "workers of the app stay zombies",
        "core/runs/detached.py",
        (("if process.poll() is None]", "]"),),
        ("tests/test_serve.py::test_a_worker_started_by_a_long_lived_process_is_reaped",),
    ),
    Break(
        "a benchmark takes a list of end tokens for one",
        "bench/harness.py",
        (
            (
                "ends = {*end_tokens(self.weights, self.tokenizer), self.tokenizer.pad_token_id}",
                "ends = {end_tokens(self.weights, self.tokenizer), self.tokenizer.pad_token_id}",
            ),
        ),
        ("tests/test_bench.py::test_it_runs_through",),
    ),
    Break(
        "a lab without its sample sets offers an empty list of them",
        "core/loading/fetching.py",
        (
            ("{'' if sample_names() else NO_SAMPLES}", ""),
            ('if sample_names() else ""', ""),
        ),
        ("tests/test_serve.py::test_a_lab_without_its_sample_sets_says_so",),
    ),
]
