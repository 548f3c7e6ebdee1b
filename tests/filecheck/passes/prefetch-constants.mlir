// RUN: pqc opt %s -p prefetch-constants | filecheck %s
// RUN: pqc opt %s -p prefetch-constants,prefetch-constants | filecheck %s
// RUN: pqc opt %s -p prefetch-constants,allocate-memory,insert-tokens | filecheck %s --check-prefix=PLACED

// The table buffer has 64 bytes, so that the second table must wait for the long first lookup to be done with its own.
// In program order the third codebook would be loaded behind that table, and the third encode would wait for it. There
// is room for it from the start: it goes ahead. Constants and buffers are defined where their loads are.
// CHECK: [[D:%[^ ]+]] = pqa.constant <"codebook 1",
// CHECK-NEXT: [[B:%[^ ]+]] = pqa.allocate : !pqa.region<codebook, 16>
// CHECK-NEXT: pqa.load dram = [[D]], address = [[B]]
// CHECK: pqa.constant <"table 1",
// CHECK: pqa.constant <"codebook 2",
// CHECK: pqa.constant <"codebook 3",
// CHECK: pqa.constant <"table 2",
// CHECK: pqa.lookup {{.*}}outputs = 1, output_rows = 1,
// CHECK: pqa.constant <"table 3",
// CHECK: pqa.lookup {{.*}}outputs = 1, output_rows = 8,

// Tables still wait, by tokens, for the lookup whose bytes they take. What a codebook would wait for, a table in front
// of it has waited for.
// PLACED: pqa.load {{.*}}<item_bytes = 16, {{[^>]*}}>
// PLACED: [[L:%[^ ]+]] = pqa.lookup {{.*}}output_rows = 16,
// PLACED: pqa.load {{.*}}<item_bytes = 64, {{[^>]*}}>
// PLACED: pqa.load {{.*}}<item_bytes = 32, {{[^>]*}}> after ([[L]])
// PLACED: [[L:%[^ ]+]] = pqa.lookup {{.*}}output_rows = 1,
// PLACED: pqa.load {{.*}}<item_bytes = 64, {{[^>]*}}> after ([[L]])

builtin.module attributes {pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 0.25 : f64, table = 0.0625 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 0.3 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  pqa.program "pqa" accumulator_bits 16 {
    %x = pqa.allocate persistent : !pqa.region<activation, 2048>
    %sums = pqa.allocate : !pqa.region<accumulator, 1536>
    %codebook_1.data = pqa.constant <"codebook 1", "6fcc47cca2530e11"> : !pqa.region<dram, 16>
    %codebook_1 = pqa.allocate : !pqa.region<codebook, 16>
    %load_codebook_1 = pqa.load dram = %codebook_1.data, address = %codebook_1 <item_bytes = 16, items = 1, rows = 1, planes = 1, entry_bits = 8>
    %encode_1 = pqa.encode source = %x, codebook = %codebook_1 <channels = 1, height = 16, width = 16, kernel = [1, 1], stride = [1, 1], dilation = [1, 1], output_rows = 16, output_columns = 16, subspaces = 1, prototypes = 16, length = 1, prototype_bits = 8, plane_stride = 256, row_stride = 16>
    %table_1.data = pqa.constant <"table 1", "d6b68ed1469d56af"> : !pqa.region<dram, 48>
    %table_1 = pqa.allocate : !pqa.region<table, 48>
    %load_table_1 = pqa.load dram = %table_1.data, address = %table_1 <item_bytes = 48, items = 1, rows = 1, planes = 1, entry_bits = 8>
    %lookup_1 = pqa.lookup table = %table_1, accumulator = %sums <subspaces = 1, prototypes = 16, outputs = 3, output_rows = 16, output_columns = 16, table_bits = 8>
    %codebook_2.data = pqa.constant <"codebook 2", "dc099ae9eeed0d4a"> : !pqa.region<dram, 32>
    %codebook_2 = pqa.allocate : !pqa.region<codebook, 32>
    %load_codebook_2 = pqa.load dram = %codebook_2.data, address = %codebook_2 <item_bytes = 32, items = 1, rows = 1, planes = 1, entry_bits = 8>
    %encode_2 = pqa.encode source = %x, codebook = %codebook_2 <channels = 2, height = 1, width = 16, kernel = [1, 1], stride = [1, 1], dilation = [1, 1], output_rows = 1, output_columns = 16, subspaces = 2, prototypes = 16, length = 1, prototype_bits = 8, plane_stride = 16, row_stride = 16>
    %table_2.data = pqa.constant <"table 2", "dc099ae9eeed0d4a"> : !pqa.region<dram, 32>
    %table_2 = pqa.allocate : !pqa.region<table, 32>
    %load_table_2 = pqa.load dram = %table_2.data, address = %table_2 <item_bytes = 32, items = 1, rows = 1, planes = 1, entry_bits = 8>
    %lookup_2 = pqa.lookup table = %table_2, accumulator = %sums <subspaces = 2, prototypes = 16, outputs = 1, output_rows = 1, output_columns = 16, table_bits = 8>
    %codebook_3.data = pqa.constant <"codebook 3", "dbcc8d49b8efb605"> : !pqa.region<dram, 64>
    %codebook_3 = pqa.allocate : !pqa.region<codebook, 64>
    %load_codebook_3 = pqa.load dram = %codebook_3.data, address = %codebook_3 <item_bytes = 64, items = 1, rows = 1, planes = 1, entry_bits = 8>
    %encode_3 = pqa.encode source = %x, codebook = %codebook_3 <channels = 4, height = 8, width = 16, kernel = [1, 1], stride = [1, 1], dilation = [1, 1], output_rows = 8, output_columns = 16, subspaces = 4, prototypes = 16, length = 1, prototype_bits = 8, plane_stride = 128, row_stride = 16>
    %table_3.data = pqa.constant <"table 3", "dbcc8d49b8efb605"> : !pqa.region<dram, 64>
    %table_3 = pqa.allocate : !pqa.region<table, 64>
    %load_table_3 = pqa.load dram = %table_3.data, address = %table_3 <item_bytes = 64, items = 1, rows = 1, planes = 1, entry_bits = 8>
    %lookup_3 = pqa.lookup table = %table_3, accumulator = %sums <subspaces = 4, prototypes = 16, outputs = 1, output_rows = 8, output_columns = 16, table_bits = 8>
  }
}
