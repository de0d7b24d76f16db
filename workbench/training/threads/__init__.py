"""How long the CPU threads of a training process wait for one another before they sleep."""
