"""Speed and accuracy, measured; `make bench` runs the speed goals."""
