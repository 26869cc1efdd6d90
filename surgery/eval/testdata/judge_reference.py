#!/usr/bin/env python3
"""Scores of the reference judge on the dev split, for TestAgreementWithReferenceJudge.

    judge_reference.py SHARED > judge-reference.json

SHARED is the folder with peers/torch_repo.py and data/paradetox. Oracle: make_judge of torch_repo.py on scikit-learn
(version in the output). Texts in the order of eval.LabelledTexts: toxic, then its rewrites, without those that equal it
up to case and punctuation.
"""
import json
import os
import sys

shared = sys.argv[1]
sys.path.insert(0, os.path.join(shared, "peers"))
import sklearn  # noqa: E402
import torch_repo  # noqa: E402


def letters(text):
    return "".join(c for c in text.lower() if c.isalnum())


data = os.path.join(shared, "data", "paradetox")
judge = torch_repo.make_judge(os.path.join(data, "judge-train.tsv"))
texts = []
for row in torch_repo.read_tsv(os.path.join(data, "dev.tsv")):
    texts.append(row["toxic"])
    for k in ("neutral1", "neutral2", "neutral3"):
        t = row.get(k) or ""
        if t.strip() and letters(t) != letters(row["toxic"]):
            texts.append(t)
p = judge.predict_proba([t.lower() for t in texts])[:, 1]
# Rounded so that the threshold 0.5 keeps its side: 50 is not above, 51 is.
json.dump({"oracle": "torch_repo.py make_judge, scikit-learn " + sklearn.__version__, "percent": [51 if 0.5 < x < 0.51 else int(x * 100) for x in p]}, sys.stdout)
print()
