"""Studies: many trainings under one question. Nothing here imports PyTorch: trials run in processes of their own."""
