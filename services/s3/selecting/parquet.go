package selecting

func (r *Run) openParquet(o Object) error {
	return fail("InvalidDataSource", "parquet")
}
