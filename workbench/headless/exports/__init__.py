"""One module for each kind of export, see `workbench.headless.export`."""
