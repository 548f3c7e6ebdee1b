"""What there is to say about a program: figures as JSON first, text made from them."""
