"""What sells, and what is bought together: told to the catalogue, which ranks and relates by it."""
