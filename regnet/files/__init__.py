"""What do users bring and take away? Readers and writers of their files, one kind of file each."""
