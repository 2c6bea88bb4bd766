"""The tables of the database, as migrations: each is applied once, in one transaction with its record.

Rows stand in (run, line) order as the folders hold them, so a page of a run is one narrow scan; no
secondary index pays for itself.  `*_by` views are questions that several pages ask.
"""

import re

MIGRATIONS: list[tuple[str, str]] = [
    (
        "runs and what they wrote",
        """
        CREATE TABLE runs (
            id VARCHAR NOT NULL, kind VARCHAR NOT NULL, label VARCHAR NOT NULL, created DOUBLE NOT NULL,
            dataset VARCHAR,                -- import run; its own id for an import
            model VARCHAR, model_hash VARCHAR, model_source VARCHAR, chain VARCHAR[],
            variant VARCHAR,                -- key of model_hash and chain: the weights it computed with
            settings JSON NOT NULL, parents JSON NOT NULL, inputs JSON NOT NULL, versions JSON NOT NULL,
            state VARCHAR,                  -- of the seal; NULL while there is none
            error VARCHAR, summary JSON, seconds DOUBLE, finished DOUBLE,
            complete BOOLEAN NOT NULL,      -- done, and every row is here and agrees with the seal
            quarantined VARCHAR             -- why its files are not believed; its rows are left out
        );
        -- How far each output file has been read: committed together with the rows read.
        CREATE TABLE ingested (
            run VARCHAR NOT NULL, file VARCHAR NOT NULL, bytes BIGINT NOT NULL, lines BIGINT NOT NULL
        );
        CREATE TABLE events (
            run VARCHAR NOT NULL, seq BIGINT NOT NULL, t DOUBLE NOT NULL, type VARCHAR NOT NULL, body JSON
        );
        CREATE TABLE items (
            run VARCHAR NOT NULL, seq BIGINT NOT NULL, id VARCHAR NOT NULL, split VARCHAR NOT NULL,
            question VARCHAR NOT NULL, context VARCHAR,
            options STRUCT(label VARCHAR, text VARCHAR)[] NOT NULL, gold VARCHAR
        );
        CREATE TABLE rejects (
            run VARCHAR NOT NULL, seq BIGINT NOT NULL, file VARCHAR NOT NULL, row BIGINT NOT NULL,
            reason VARCHAR NOT NULL, raw VARCHAR NOT NULL
        );
        CREATE TABLE explanations (
            run VARCHAR NOT NULL, seq BIGINT NOT NULL, item_id VARCHAR NOT NULL, sample INTEGER NOT NULL,
            response VARCHAR NOT NULL, explanation VARCHAR NOT NULL, parsed VARCHAR, forced VARCHAR,
            forced_probabilities DOUBLE[], tokens INTEGER NOT NULL, finish VARCHAR NOT NULL, seed BIGINT NOT NULL,
            right_parsed BOOLEAN, right_forced BOOLEAN      -- NULL without gold, or where it was not asked for
        );
        CREATE TABLE verdicts (
            run VARCHAR NOT NULL, seq BIGINT NOT NULL, item_id VARCHAR NOT NULL, sample INTEGER NOT NULL,
            criterion VARCHAR NOT NULL, verdict VARCHAR, value DOUBLE, probabilities DOUBLE[]
        );
        -- One narrow row an explanation and judge: what filters, charts and comparisons read.
        CREATE TABLE scores (
            run VARCHAR NOT NULL, seq BIGINT NOT NULL, samples VARCHAR NOT NULL, item_id VARCHAR NOT NULL,
            sample INTEGER NOT NULL, origin VARCHAR NOT NULL, total INTEGER, expected DOUBLE,
            by_criterion DOUBLE[] NOT NULL, reply VARCHAR, unjudged VARCHAR,
            parsed VARCHAR, empty BOOLEAN NOT NULL, tokens INTEGER NOT NULL, right_parsed BOOLEAN, right_forced BOOLEAN
        );
        CREATE TABLE pairs (
            run VARCHAR NOT NULL, seq BIGINT NOT NULL, item_id VARCHAR NOT NULL, category VARCHAR NOT NULL,
            reason VARCHAR NOT NULL,
            chosen_run VARCHAR NOT NULL, chosen_sample INTEGER NOT NULL, chosen VARCHAR NOT NULL,
            chosen_score DOUBLE NOT NULL, chosen_prediction VARCHAR, chosen_correct BOOLEAN NOT NULL,
            rejected_run VARCHAR NOT NULL, rejected_sample INTEGER NOT NULL, rejected VARCHAR NOT NULL,
            rejected_score DOUBLE NOT NULL, rejected_prediction VARCHAR, rejected_correct BOOLEAN NOT NULL,
            answer_line_added BOOLEAN NOT NULL
        );
        CREATE TABLE dropped (
            run VARCHAR NOT NULL, seq BIGINT NOT NULL, item_id VARCHAR NOT NULL, category VARCHAR,
            reason VARCHAR NOT NULL
        );
        """,
    ),
    (
        "what pages ask again and again",
        """
        CREATE VIEW datasets AS
            SELECT id, label AS name, settings->>'title' AS title, settings->>'licence' AS licence, created,
                (summary->>'items')::BIGINT AS items, (summary->>'rejects')::BIGINT AS rejects,
                (summary->>'unlabelled')::BIGINT AS unlabelled, summary->'splits' AS splits
            FROM runs WHERE kind = 'import' AND complete;

        CREATE VIEW variants AS         -- base and ordered adapter chain, by the runs that made the adapters
            WITH sampled AS (
                SELECT variant AS id, arg_min(label, created) AS label, any_value(model) AS base,
                    any_value(model_hash) AS base_hash, any_value(model_source) AS base_source,
                    any_value(chain) AS chain
                FROM runs WHERE kind = 'sample' AND settings->>'role' = 'explainer' GROUP BY variant
            ), adapters AS (
                SELECT s.id, list(r.summary->>'adapter_hash' ORDER BY list_position(s.chain, r.id)) AS adapter_hashes
                FROM sampled s JOIN runs r ON list_contains(s.chain, r.id) GROUP BY s.id
            )
            SELECT * FROM sampled LEFT JOIN adapters USING (id);

        CREATE VIEW progress AS
            SELECT run, (arg_max(body, seq)->>'done')::BIGINT AS done, (arg_max(body, seq)->>'total')::BIGINT AS total,
                arg_max(body, seq)->>'unit' AS unit
            FROM events WHERE type = 'progress' GROUP BY run;

        CREATE VIEW costs AS
            SELECT run, sum((body->>'prompt_tokens')::BIGINT) AS prompt_tokens,
                sum((body->>'new_tokens')::BIGINT) AS new_tokens, sum((body->>'seconds')::DOUBLE) AS seconds
            FROM events WHERE type = 'cost' GROUP BY run;

        CREATE VIEW provenance AS       -- engine, model and adapter hashes, template hash, dtype, device
            SELECT run, arg_max(body, seq) AS loaded FROM events WHERE type = 'loaded' GROUP BY run;

        CREATE VIEW categories AS       -- right in all, some or none of the N responses
            WITH counted AS (
                SELECT e.run, e.item_id, min(e.seq) AS seq, count(*) AS n,
                    any_value((r.settings->>'n')::INTEGER) AS wanted,
                    count_if(e.right_parsed) AS k_parsed, count(e.right_parsed) AS known_parsed,
                    count_if(e.right_forced) AS k_forced, count(e.right_forced) AS known_forced
                FROM explanations e JOIN runs r ON r.id = e.run GROUP BY e.run, e.item_id
            )
            SELECT run, item_id, seq, n, k_parsed, k_forced,
                CASE WHEN n < wanted OR known_parsed < n THEN NULL WHEN k_parsed = n THEN 'consistently_correct'
                    WHEN k_parsed = 0 THEN 'consistently_incorrect' ELSE 'variable' END AS parsed,
                CASE WHEN n < wanted OR known_forced < n THEN NULL WHEN k_forced = n THEN 'consistently_correct'
                    WHEN k_forced = 0 THEN 'consistently_incorrect' ELSE 'variable' END AS forced
            FROM counted;
        """,
    ),
    (
        "head-to-head comparisons",
        """
        CREATE TABLE head_to_head (
            run VARCHAR NOT NULL, seq BIGINT NOT NULL, samples_a VARCHAR NOT NULL, samples_b VARCHAR NOT NULL,
            item_id VARCHAR NOT NULL, sample_a INTEGER NOT NULL, sample_b INTEGER NOT NULL, origin VARCHAR NOT NULL,
            a_first VARCHAR, a_first_probabilities DOUBLE[], a_first_reply VARCHAR,   -- the answer with A first
            b_first VARCHAR, b_first_probabilities DOUBLE[], b_first_reply VARCHAR,   -- and with B first
            outcome VARCHAR NOT NULL, flipped BOOLEAN, unjudged VARCHAR
        );
        """,
    ),
    (
        "judgements made elsewhere, and ratings given here",
        """
        CREATE TABLE preferences (
            run VARCHAR NOT NULL, seq BIGINT NOT NULL, item_id VARCHAR NOT NULL, question VARCHAR NOT NULL,
            context VARCHAR, a VARCHAR NOT NULL, b VARCHAR NOT NULL, output_a VARCHAR, output_b VARCHAR,
            annotator VARCHAR NOT NULL, annotator_kind VARCHAR NOT NULL,
            preference DOUBLE,              -- 1: a wins, 2: b wins, 1.5: a tie; NULL: the annotator gave nothing
            chars_a INTEGER, chars_b INTEGER, words_a INTEGER, words_b INTEGER, part VARCHAR, note VARCHAR
        );
        CREATE TABLE ratings (
            run VARCHAR,                    -- judgements run; NULL for a rating given in this lab (journal)
            seq BIGINT NOT NULL,
            samples VARCHAR, sample INTEGER,    -- sample run and sample of the explanation; NULL: made elsewhere
            item_id VARCHAR NOT NULL, variant VARCHAR NOT NULL, explanation VARCHAR,
            rater VARCHAR NOT NULL, rater_kind VARCHAR NOT NULL,    -- 'person' or 'judge'
            criterion VARCHAR NOT NULL, label VARCHAR, blind BOOLEAN, mode VARCHAR NOT NULL,
            rated_at DOUBLE, note VARCHAR, part VARCHAR
        );
        CREATE VIEW judgement_sets AS
            SELECT id, label AS name, settings->>'title' AS title, settings->>'licence' AS licence, created,
                settings->'columns'->>'what' AS what, (summary->>'rows')::BIGINT AS rows,
                (summary->>'rejects')::BIGINT AS rejects, (summary->>'nothing')::BIGINT AS nothing,
                (summary->>'items')::BIGINT AS items, summary->'annotators' AS annotators
            FROM runs WHERE kind = 'judgements' AND complete;
        """,
    ),
    (
        "what people did",
        """
        -- A line of journal.jsonl each, oldest first; views give the acts of one kind their columns.
        CREATE TABLE journal (seq BIGINT NOT NULL, t DOUBLE NOT NULL, action VARCHAR NOT NULL, body JSON NOT NULL);
        """,
    ),
    (
        "what people say of explanations",
        """
        CREATE VIEW queues AS           -- the work that is laid before annotators; drawn once, then kept
            SELECT body->>'queue' AS id, seq, t AS made_at, body->'settings'->>'kind' AS kind,
                body->'settings' AS settings, body->'tasks' AS tasks
            FROM journal WHERE action = 'queue' QUALIFY row_number() OVER (PARTITION BY id ORDER BY seq) = 1;

        CREATE VIEW annotation_history AS       -- every label that was ever given, one row a criterion
            WITH given AS (
                SELECT seq, t, body, unnest(from_json(body->'labels',
                    '[{"criterion":"VARCHAR","label":"VARCHAR"}]'), recursive := true)
                FROM journal WHERE action IN ('rating', 'spot_check')
            )
            SELECT seq, t AS rated_at, body->>'rater' AS rater, body->>'mode' AS mode,
                (body->>'blind')::BOOLEAN AS blind, (body->>'gold_shown')::BOOLEAN AS gold_shown,
                body->>'queue' AS queue, body->>'task' AS task, body->>'samples' AS samples,
                body->>'item_id' AS item_id, (body->>'sample')::INTEGER AS sample, body->>'variant' AS variant,
                criterion, label, body->>'judge' AS judge, body->>'judged' AS judged, body->>'note' AS note,
                (body->>'seconds')::DOUBLE AS seconds
            FROM given;

        CREATE VIEW annotations AS      -- the last label of each; the columns of table `ratings`
            SELECT NULL::VARCHAR AS run, seq, samples, sample, item_id, variant, NULL::VARCHAR AS explanation, rater,
                'person' AS rater_kind, criterion, label, blind, mode, rated_at, note, NULL::VARCHAR AS part
            FROM annotation_history
            QUALIFY row_number() OVER (PARTITION BY rater, samples, item_id, sample, criterion, mode ORDER BY seq DESC)
                = 1;

        CREATE VIEW pair_votes AS       -- the last vote of each; `vote` is 'a', 'b', 'both good' or 'both bad'
            SELECT seq, t AS rated_at, body->>'rater' AS rater, (body->>'blind')::BOOLEAN AS blind,
                (body->>'gold_shown')::BOOLEAN AS gold_shown, body->>'queue' AS queue, body->>'task' AS task,
                body->>'item_id' AS item_id,
                body->'a'->>'variant' AS a, body->'a'->>'samples' AS samples_a,
                (body->'a'->>'sample')::INTEGER AS sample_a,
                body->'b'->>'variant' AS b, body->'b'->>'samples' AS samples_b,
                (body->'b'->>'sample')::INTEGER AS sample_b,
                body->>'left' AS "left", body->>'vote' AS vote, body->>'note' AS note,
                (body->>'seconds')::DOUBLE AS seconds
            FROM journal WHERE action = 'pair_vote'
            QUALIFY row_number() OVER (PARTITION BY body->>'rater', body->>'task' ORDER BY seq DESC) = 1;

        CREATE VIEW drafts AS           -- the last draft of each task that its rater has not handed in since
            SELECT body->>'rater' AS rater, body->>'task' AS task,
                arg_max(body, seq) FILTER (action = 'draft') AS body, max(seq) FILTER (action = 'draft') AS seq
            FROM journal WHERE action IN ('draft', 'rating', 'spot_check', 'pair_vote') AND body->>'task' IS NOT NULL
            GROUP BY ALL
            HAVING max(seq) FILTER (action = 'draft') > coalesce(max(seq) FILTER (action <> 'draft'), -1);
        """,
    ),
    (
        "rounds and votes of the playground",
        """
        -- A round that was played, once; names are known from `revealed` on.
        CREATE VIEW play_rounds AS
            WITH reveals AS (
                SELECT body->>'round' AS round, min(seq) AS seq, min(t) AS t FROM journal
                WHERE action = 'play_reveal' GROUP BY ALL
            )
            SELECT j.body->>'session' AS session, j.body->>'round' AS round, j.seq, j.t,
                (j.body->'wish'->>'blind')::BOOLEAN AS blind, j.body->'wish'->'item'->>'question' AS question,
                j.body->'wish'->>'judge' AS judge, r.seq AS revealed_seq, r.t AS revealed
            FROM journal j LEFT JOIN reveals r ON r.round = j.body->>'round' WHERE j.action = 'play_answer'
            QUALIFY row_number() OVER (PARTITION BY j.body->>'round' ORDER BY j.seq) = 1;

        CREATE VIEW play_answers AS     -- a row a variant of a round; place 0 is column A
            WITH answers AS (
                SELECT p.round, j.body->'wish' AS wish, unnest(from_json(j.body->'answers', '["JSON"]')) AS answer
                FROM play_rounds p JOIN journal j USING (seq)
            ), placed AS (
                SELECT *, (answer->>'place')::INTEGER AS place FROM answers
            )
            SELECT round, place, wish->'contenders'->place->>'variant' AS variant,
                wish->'contenders'->place->>'label' AS label, wish->'contenders'->place->>'run' AS samples,
                answer->'row'->>'response' AS response, answer->'row'->>'explanation' AS explanation,
                answer->'row'->>'parsed' AS parsed, answer->'row'->>'forced' AS forced, wish->'item'->>'gold' AS gold,
                (answer->'judgement'->>'total')::INTEGER AS total,
                (answer->'judgement'->>'expected')::DOUBLE AS expected,
                (answer->'row'->>'tokens')::INTEGER AS tokens, (answer->>'seconds')::DOUBLE AS seconds
            FROM placed;

        CREATE VIEW votes AS            -- the last vote of a round before its reveal: a row a criterion
            WITH counted AS (
                SELECT p.session, p.round, p.revealed, j.t, j.body FROM journal j
                JOIN play_rounds p ON p.round = j.body->>'round'
                WHERE j.action = 'play_vote' AND p.blind AND j.seq < coalesce(p.revealed_seq, j.seq + 1)
                QUALIFY row_number() OVER (PARTITION BY p.round ORDER BY j.seq DESC) = 1
            ), chosen AS (
                SELECT session, round, revealed, t, unnest(json_keys(body->'choices')) AS criterion, body FROM counted
            ), said AS (
                SELECT session, round, revealed, t, criterion, body->'choices'->>criterion AS choice FROM chosen
            )
            SELECT s.session, s.round, s.t, s.criterion,
                s.choice,                       -- A to D, 'tie': all good, 'bad': all bad
                a.variant, a.label, s.revealed IS NOT NULL AS revealed
            FROM said s LEFT JOIN play_answers a ON a.round = s.round AND a.place = ascii(s.choice) - ascii('A')
                AND length(s.choice) = 1;

        CREATE VIEW play_sessions AS
            WITH rounds AS (
                SELECT session, count(*) AS rounds, count(revealed) AS revealed, arg_min(question, seq) AS question
                FROM play_rounds GROUP BY session
            ), voted AS (
                SELECT session, count(DISTINCT round) AS voted FROM votes GROUP BY session
            )
            SELECT j.body->>'session' AS id, min(j.t) AS started, coalesce(any_value(r.rounds), 0) AS rounds,
                coalesce(any_value(r.revealed), 0) AS revealed, coalesce(any_value(v.voted), 0) AS voted,
                any_value(r.question) AS question
            FROM journal j LEFT JOIN rounds r ON r.session = j.body->>'session'
            LEFT JOIN voted v ON v.session = j.body->>'session' WHERE j.action = 'play_session' GROUP BY 1;
        """,
    ),
    (
        "notes on rubrics",
        """
        CREATE VIEW rubric_notes AS     -- what annotators noted on how a rubric is to be read, and did not take back
            SELECT seq AS id, t AS written, body->>'rater' AS rater, body->>'rubric' AS rubric,
                body->>'rubric_hash' AS rubric_hash, body->>'criterion' AS criterion, body->>'note' AS note
            FROM journal WHERE action = 'rubric_note' AND seq NOT IN (
                SELECT (body->>'note')::BIGINT FROM journal WHERE action = 'rubric_note_back'
            );
        """,
    ),
    (
        "which lab and which journal the rows are of",
        """
        CREATE TABLE origin (               -- one row
            lab VARCHAR NOT NULL,           -- `lab_id` of the home; empty in memory
            journal VARCHAR NOT NULL        -- SHA-256 of the journal as far as it was read
        );
        """,
    ),
    (
        "thoughts, apart from what is read",
        """
        ALTER TABLE explanations ADD COLUMN thought VARCHAR;    -- what the model thought before; NULL: it did not
        ALTER TABLE scores ADD COLUMN thought VARCHAR;          -- and the judge before its reply
        """,
    ),
    (
        "why an answer is not read",
        """
        ALTER TABLE explanations ADD COLUMN unread VARCHAR;             -- reason; NULL where it was read
        ALTER TABLE explanations ADD COLUMN reading INTEGER DEFAULT 1;  -- version of the rule that read it
        ALTER TABLE scores ADD COLUMN unread VARCHAR;
        """,
    ),
    (
        "what a rater had seen before",
        """
        -- Explanations whose variant and verdicts a person was shown, from a line of the journal on: by a reveal, a
        -- check of a judge's verdict, or a note where one reads.
        CREATE VIEW seen_before AS
            WITH revealed AS (
                SELECT (body->>'rater') AS rater, (body->>'task') AS task, min(seq) AS seq FROM journal
                WHERE action = 'reveal' GROUP BY ALL
            ), shown AS (
                SELECT r.rater, r.seq, unnest(CASE WHEN j.action = 'pair_vote'
                    THEN [json_object('samples', (j.body->'a'->>'samples'), 'sample', j.body->'a'->'sample'),
                        json_object('samples', (j.body->'b'->>'samples'), 'sample', j.body->'b'->'sample')]
                    ELSE [json_object('samples', (j.body->>'samples'), 'sample', j.body->'sample')] END) AS one,
                    (j.body->>'item_id') AS item_id
                FROM revealed r JOIN journal j ON (j.body->>'rater') = r.rater AND (j.body->>'task') = r.task
                WHERE j.action IN ('rating', 'pair_vote')
                UNION ALL
                SELECT (body->>'rater'), seq, json_object('samples', (body->>'samples'), 'sample', body->'sample'),
                    (body->>'item_id')
                FROM journal WHERE action = 'spot_check' OR (action = 'rating' AND (body->>'mode') = 'in place')
            )
            SELECT rater, one->>'samples' AS samples, item_id, (one->>'sample')::INTEGER AS sample, min(seq) AS seq
            FROM shown GROUP BY ALL;

        CREATE OR REPLACE VIEW annotation_history AS       -- as before; blind: nothing shown before
            WITH given AS (
                SELECT seq, t, body, unnest(from_json(body->'labels',
                    '[{"criterion":"VARCHAR","label":"VARCHAR"}]'), recursive := true)
                FROM journal WHERE action IN ('rating', 'spot_check')
            )
            SELECT seq, t AS rated_at, body->>'rater' AS rater, body->>'mode' AS mode,
                (body->>'blind')::BOOLEAN AND NOT EXISTS (
                    FROM seen_before s WHERE s.rater = (body->>'rater') AND s.samples = (body->>'samples')
                        AND s.item_id = (body->>'item_id') AND s.sample = (body->>'sample')::INTEGER
                        AND s.seq < given.seq
                ) AS blind, (body->>'gold_shown')::BOOLEAN AS gold_shown,
                body->>'queue' AS queue, body->>'task' AS task, body->>'samples' AS samples,
                body->>'item_id' AS item_id, (body->>'sample')::INTEGER AS sample, body->>'variant' AS variant,
                criterion, label, body->>'judge' AS judge, body->>'judged' AS judged, body->>'note' AS note,
                (body->>'seconds')::DOUBLE AS seconds
            FROM given;

        CREATE OR REPLACE VIEW pair_votes AS       -- as before; blind: nothing shown before
            SELECT seq, t AS rated_at, body->>'rater' AS rater,
                (body->>'blind')::BOOLEAN AND NOT EXISTS (
                    FROM seen_before s WHERE s.rater = (j.body->>'rater') AND s.item_id = (j.body->>'item_id')
                        AND s.seq < j.seq AND ((s.samples = (j.body->'a'->>'samples')
                        AND s.sample = (j.body->'a'->>'sample')::INTEGER) OR (s.samples = (j.body->'b'->>'samples')
                        AND s.sample = (j.body->'b'->>'sample')::INTEGER))
                ) AS blind,
                (body->>'gold_shown')::BOOLEAN AS gold_shown, body->>'queue' AS queue, body->>'task' AS task,
                body->>'item_id' AS item_id,
                body->'a'->>'variant' AS a, body->'a'->>'samples' AS samples_a,
                (body->'a'->>'sample')::INTEGER AS sample_a,
                body->'b'->>'variant' AS b, body->'b'->>'samples' AS samples_b,
                (body->'b'->>'sample')::INTEGER AS sample_b,
                body->>'left' AS "left", body->>'vote' AS vote, body->>'note' AS note,
                (body->>'seconds')::DOUBLE AS seconds
            FROM journal j WHERE action = 'pair_vote'
            QUALIFY row_number() OVER (PARTITION BY body->>'rater', body->>'task' ORDER BY seq DESC) = 1;
        """,
    ),
]


def _shape() -> frozenset[str]:
    """Tables and views that a database has once all migrations have been applied."""
    names: set[str] = set()
    for _, statements in MIGRATIONS:
        for verb, name in re.findall(
            r"\b(CREATE|DROP)\b(?: OR REPLACE)? (?:TABLE|VIEW) (?:IF (?:NOT )?EXISTS )?(\w+)", statements
        ):
            names = names | {name} if verb == "CREATE" else names - {name}
    return frozenset(names)


SHAPE = _shape()
