"""Policy documents as AWS reads them."""

import json

from policies.engine.iam_documents import statements
from tests.policies.resources import resource


def test_document_reads_the_same_however_it_is_written() -> None:
    short = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}}
    long = {
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"], "Resource": ["*"]}]
    }

    read = [
        statements(resource("k", "n", {"policy": policy}), "policy")
        for policy in (short, long, json.dumps(short), json.dumps(long))
    ]

    assert read == [read[0]] * 4
    assert read[0][0].is_open_to_everyone
