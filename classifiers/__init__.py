"""What columns are: evidence from names and values, combined into proposed tags."""
