"""ReDegNet: degradations read off real pairs by DegNet and put on any image by SynNet."""
