"""The report as one page for a browser, which needs nothing else: pictures, layers, and what each pass changed."""
