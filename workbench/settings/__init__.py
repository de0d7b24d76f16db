"""What can be chosen. Importing this costs no torch: choices import it when they are built."""
