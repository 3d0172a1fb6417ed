"""What is agreed beforehand: read, checked, changed, written; and the evidence for each figure."""
