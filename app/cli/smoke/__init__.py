"""`bookstore smoke URL`: whether a running shop does what it must, asked over HTTP as its customers do."""
