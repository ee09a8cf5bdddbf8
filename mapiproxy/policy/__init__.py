"""Every decision, one question per file: values in, values out, nothing done."""
