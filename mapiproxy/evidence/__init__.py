"""What do the logs say? Reads HttpProxy files, Exchange's and ours alike, and tells whose fault it was.

Bytes in, values out: which files are read, what time it is and what a person gets to see is not known here.
"""
