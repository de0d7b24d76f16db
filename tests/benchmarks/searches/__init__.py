"""How soon searches find good settings: workbench, Optuna, Ray Tune and Keras Tuner on the same seven settings."""
