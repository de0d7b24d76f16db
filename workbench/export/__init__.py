"""Takes what was trained out of workbench: as weights, as a program, as a script."""
