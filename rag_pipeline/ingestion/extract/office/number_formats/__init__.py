"""What a number format writes around the numbers of a workbook, and which format a cell of an old file has."""
