
    @staticmethod
    def attend(x, heads, key_rows, key_columns, value_rows, value_columns):
        """Attention with relative positions in two dimensions (AutoFormer, arXiv 2107.00651)."""
        count, tokens, _ = x.shape
        queries, keys, values = x.reshape(count, tokens, 3, heads, -1).permute(2, 0, 3, 1, 4)
        side = round((tokens - 1) ** 0.5)
        patch = torch.arange(side * side, device=x.device)

        def index(place):
            # How far patches are apart; 0 is for the class token, before them.
            distance = (place[None, :] - place[:, None]).clamp(-DISTANCE, DISTANCE)
            return F.pad(distance + DISTANCE + 1, (1, 0, 1, 0))

        row, column = index(patch // side), index(patch % side)
        logits = queries @ keys.transpose(-2, -1)
        logits = logits + torch.einsum("bhid,ijd->bhij", queries, key_rows[row] + key_columns[column])
        weights = (logits * queries.shape[-1] ** -0.5).softmax(-1)
        x = weights @ values
        x = x + torch.einsum("bhij,ijd->bhid", weights, value_rows[row] + value_columns[column])
        return x.transpose(1, 2).reshape(count, tokens, -1)
