"""The processes of the trainer, as whoever starts them sees them: command lines, requests and answers, without PyTorch.

What runs inside of them lies in `workbench.training.processes`, which fills in the answers declared here.
"""
