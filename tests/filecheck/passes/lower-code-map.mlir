// RUN: pqc opt %s -p lower-to-pqa --split-input-file | filecheck %s

// Channel grouping: pixels are encoded to a map of codes, and the lookup walks its windows over the map. Behind
// parameters and bias lies the code of each group that windows see outside. A pass of one tile has a map of the rows
// that its windows see; the next one encodes the row that both see again.
// CHECK: [[I:%[^ ]+]] = pqa.allocate persistent
// CHECK: [[O:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 8>
// CHECK: pqa.encode source = [[I]], codebook = [[K:%[^ ]+]], destination = [[O]] <channels = 2, height = 2, width = 4, plane_stride = 16, row_stride = 4, kernel = [1, 1], {{.*}}output_rows = 2, output_columns = 4, subspaces = 1, prototypes = 2, length = 2, {{.*}}to_buffer = 1, code_plane_stride = 8, code_row_stride = 4>
// CHECK: [[R:%[^ ]+]] = pqa.allocate : !pqa.region<table, 25>
// CHECK: pqa.lookup table = %{{[^ ]+}}, bias = [[R]], codes = [[O]], padding = [[R]], accumulator = %{{[^ ]+}} <bias_offset = 16, subspaces = 4, {{.*}}first = 1, from_buffer = 1, groups = 1, height = 2, width = 4, plane_stride = 8, row_stride = 4, kernel = [2, 2], {{.*}}pad_top = 1, pad_left = 1, padding_offset = 24>
// CHECK: [[O:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 12>
// CHECK: pqa.encode source = [[I]], codebook = [[K]], destination = [[O]] <source_offset = 4, channels = 2, height = 3,
// CHECK: pqa.lookup {{.*}}codes = [[O]], {{.*}} <{{.*}}height = 3, width = 4, {{.*}}dilation = [1, 1], pad_left = 1, padding_offset

builtin.module attributes {pqc.schedule = {layers = {pq = {columns = 4 : i64, inputs = 4 : i64, keep_codes = true, outputs = 2 : i64, resident = false, rows = 2 : i64, tiles = 1 : i64}}}, pqc.inputs = ["image"], pqc.outputs = ["y"], pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: !pq.tensor<?x2x4x4xui8, 0.25>) -> !pq.tensor<?x2x4x4xsi8, 0.5> {
    %v = blob.constant <"v", "eaafd2ce99b57536"> : tensor<2xsi32>
    %codebook = blob.constant <"codebook", "e0ace305b0d2e640"> : tensor<1x2x2xui8>
    %table = blob.constant <"table", "d062122a5b898d44"> : tensor<4x2x2xsi8>
    %padding = blob.constant <"padding", "0950037525c9d9f9"> : tensor<1xui8>
    %k = pq.encode %x, %codebook <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x4x4xui8, 0.25>, tensor<1x2x2xui8> -> !pq.codes<[?, 1, 4, 4], 2> loc("pq")
    %l = pq.lookup %k, %table, %v window <[2, 2] strides [1, 1] pads [1, 1, 0, 0] dilations [1, 1]> padding %padding : tensor<1xui8> table_bits 8 : !pq.codes<[?, 1, 4, 4], 2>, tensor<4x2x2xsi8>, tensor<2xsi32> -> tensor<?x2x4x4xsi16> loc("pq")
    %p = qnn.requantize %l, %v, %v clip [-128, 2] : tensor<?x2x4x4xsi16>, tensor<2xsi32>, tensor<2xsi32> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("pq")
    func.return %p : !pq.tensor<?x2x4x4xsi8, 0.5>
  }
}

// -----

// The tiles of one pass share a map, so that every row is encoded once, when the first window needs it. Nothing stays
// on chip here, so that its rows are loaded then. The second block of subspaces are the taps of the second kernel row.
// CHECK: pqa.program
// CHECK: [[O:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 16>
// CHECK: [[S:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 16>
// CHECK: pqa.load dram = [[X:%[^ ]+]], address = [[S]] <item_bytes = 8, items = 1, rows = 1, planes = 2, dram_plane_stride = 16, plane_stride = 8, entry_bits = 8>
// CHECK: pqa.encode source = [[S]], codebook = [[K:%[^ ]+]], destination = [[O]] <{{.*}}plane_stride = 8, row_stride = 4, {{.*}}code_plane_stride = 16, code_row_stride = 4>
// CHECK: pqa.lookup {{.*}}codes = [[O]], padding = %{{[^ ]+}}, accumulator = [[A:%[^ ]+]] <{{.*}}subspaces = 2, {{.*}}height = 2,
// CHECK: [[S:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 16>
// CHECK: pqa.load dram = [[X]], address = [[S]] <dram_offset = 8,
// CHECK-NEXT: pqa.encode source = [[S]], codebook = [[K]], destination = [[O]] <{{.*}}destination_offset = 8,
// CHECK: pqa.lookup {{.*}}codes = [[O]], padding = %{{[^ ]+}}, accumulator = [[B:%[^ ]+]] <{{.*}}codes_offset = 4, {{.*}}height = 3,
// CHECK-NOT: pqa.encode
// CHECK: pqa.lookup {{.*}}codes = [[O]], padding = %{{[^ ]+}}, accumulator = [[A]] <{{.*}}first_subspace = 2>
// CHECK: pqa.lookup {{.*}}codes = [[O]], padding = %{{[^ ]+}}, accumulator = [[B]] <{{.*}}first_subspace = 2>

builtin.module attributes {pqc.schedule = {layers = {pq = {columns = 4 : i64, inputs = 2 : i64, keep_codes = true, outputs = 2 : i64, resident = false, rows = 2 : i64, tiles = 2 : i64}}, on_chip = []}, pqc.inputs = ["image"], pqc.outputs = ["y"], pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: !pq.tensor<?x2x4x4xui8, 0.25>) -> !pq.tensor<?x2x4x4xsi8, 0.5> {
    %v = blob.constant <"v", "eaafd2ce99b57536"> : tensor<2xsi32>
    %codebook = blob.constant <"codebook", "e0ace305b0d2e640"> : tensor<1x2x2xui8>
    %table = blob.constant <"table", "d062122a5b898d44"> : tensor<4x2x2xsi8>
    %padding = blob.constant <"padding", "0950037525c9d9f9"> : tensor<1xui8>
    %k = pq.encode %x, %codebook <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x4x4xui8, 0.25>, tensor<1x2x2xui8> -> !pq.codes<[?, 1, 4, 4], 2> loc("pq")
    %l = pq.lookup %k, %table, %v window <[2, 2] strides [1, 1] pads [1, 1, 0, 0] dilations [1, 1]> padding %padding : tensor<1xui8> table_bits 8 : !pq.codes<[?, 1, 4, 4], 2>, tensor<4x2x2xsi8>, tensor<2xsi32> -> tensor<?x2x4x4xsi16> loc("pq")
    %p = qnn.requantize %l, %v, %v clip [-128, 2] : tensor<?x2x4x4xsi16>, tensor<2xsi32>, tensor<2xsi32> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("pq")
    func.return %p : !pq.tensor<?x2x4x4xsi8, 0.5>
  }
}
