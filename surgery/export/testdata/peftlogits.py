"""peftlogits.py: logits of transformers models with PEFT adapters. stdin is JSON: jobs (Name of a model of make_arch.py, Dir
of the adapter) and prompts (lists of token ids); prints for each job a list of rows of logits after the prompts."""
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "train", "model", "testdata"))
import make_arch  # noqa: E402
import peft  # noqa: E402
import torch  # noqa: E402

work = json.load(sys.stdin)
out = []
for job in work["jobs"]:
    with tempfile.TemporaryDirectory() as tmp:
        model, _ = make_arch.build(job["Name"], tmp)
    # The models must be those of the GGUF files, whose goldens these are.
    with open(os.path.join(os.path.dirname(make_arch.__file__), "arch", job["Name"] + ".json")) as f:
        golden = json.load(f)
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([golden["ids"]]), use_cache=False).logits[0]
        for t, row in zip(golden["at"], golden["logits"]):
            assert torch.allclose(logits[t, golden["entries"]], torch.tensor(row).double(), atol=1e-3), job["Name"] + " is another model"
        adapted = peft.PeftModel.from_pretrained(model, job["Dir"]).double().eval()
        out.append([adapted(input_ids=torch.tensor([p]), use_cache=False).logits[0, -1].tolist() for p in work["prompts"]])
print(json.dumps(out))
